"""A table of comparisons, read: who was compared with whom, and what was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.rows import at_row, missing_column, place

# Columns that are looked for where none is named, and what an answer may be called besides the name of the item that won.
_COLUMNS = {"first": ("item_a", "model_a"), "second": ("item_b", "model_b"), "winner": ("winner", "outcome")}
_WORDS = {
    "first": ("a", "first", "left", "item_a", "model_a"),
    "second": ("b", "second", "right", "item_b", "model_b"),
    "tie": ("tie", "draw", "equal", "same", "both"),
    "none": ("none", "neither", "bothbad", "tie (bothbad)"),
}


@dataclass(frozen=True)
class Comparisons:
    """Pairs of items and what was said of them.

    Attributes:
        items: the names, in the order in which they occur.
        asked: for each comparison the indices of its two items.
        said: for each "first", "second", "tie" or "none" (neither is good enough).
        cluster: for each the index of whose answers may depend on one another; None: nobody says.
    """

    items: list[str]
    asked: list[tuple[int, int]]
    said: list[str]
    cluster: list[int] | None


def comparisons(
    rows: Sequence[Mapping[str, Any]],
    first: str | None = None,
    second: str | None = None,
    winner: str | None = None,
    cluster: str | None = None,
    where: str = "the data",
) -> Comparisons:
    """Read rows by the names of their columns; those that are not named are looked for under the usual ones.

    Raises:
        InputError: a column is missing, an item is compared with itself, or an answer is none; the sentence names the row.
    """
    named = {"first": first, "second": second, "winner": winner}
    columns = {role: given or next((n for n in _COLUMNS[role] if n in rows[0]), _COLUMNS[role][0]) for role, given in named.items()}
    items: dict[str, int] = {}
    people: dict[str, int] = {}
    asked, said, who = [], [], []
    for index, row in enumerate(rows):
        with at_row(*place(rows, index, where)):
            a, b, word = (_text(row, columns[role]) for role in ("first", "second", "winner"))
            if a == b:
                raise InputError(f"{a!r} is compared with itself; drop the row")
            asked.append((items.setdefault(a, len(items)), items.setdefault(b, len(items))))
            said.append(_answer(word, a, b, columns["winner"]))
            if cluster is not None:
                who.append(people.setdefault(_text(row, cluster), len(people)))
    return Comparisons(list(items), asked, said, None if cluster is None else who)


def _text(row: Mapping[str, Any], column: str) -> str:
    if column not in row:
        found = missing_column(column, row).split("; rename")[0]
        raise InputError(f"it {found}; name the columns with --first, --second, --winner and --cluster")
    text = "" if row[column] is None else str(row[column]).strip()
    if not text:
        raise InputError(f"it has nothing in column {column!r}; fill it in or drop the row")
    return text


def _answer(word: str, a: str, b: str, column: str) -> str:
    if word in (a, b):
        return "first" if word == a else "second"
    for answer, words in _WORDS.items():
        if word.lower() in words:
            return answer
    raise InputError(
        f"column {column!r} says {word!r}: it should name the winner ({a!r}, {b!r}, or a, b), or say tie, or neither where none is good enough"
    )
