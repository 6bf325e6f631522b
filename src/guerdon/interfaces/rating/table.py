"""A table of comparisons, read: who was compared with whom, and what was said how often.

A row says who won, in a word; or how probable it is that the first did; or how many votes each had. The last two are several answers, each with a count.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.tasks.rows import at_row, missing_column, place

# Columns that are looked for where none is named, and what an answer may be called besides the name of the item that won.
_COLUMNS = {"first": ("item_a", "model_a"), "second": ("item_b", "model_b"), "winner": ("winner", "outcome")}
_VOTES = (("votes_a", "votes_b", "votes_tie"), ("winner_model_a", "winner_model_b", "winner_tie"))  # the last may be missing
_PROBABILITY = "probability"
_WORDS = {
    "first": ("a", "first", "left", "item_a", "model_a"),
    "second": ("b", "second", "right", "item_b", "model_b"),
    "tie": ("tie", "draw", "equal", "same", "both", "both good", "bothgood", "both_good", "tie (bothgood)", "tie (both good)"),
    "none": ("none", "neither", "both bad", "bothbad", "both_bad", "tie (bothbad)", "tie (both bad)"),
}
# What "both bad" may be counted as.
BOTH_BAD = {"neither": "none", "tie": "tie", "drop": None}


@dataclass(frozen=True)
class Comparisons:
    """Pairs of items and what was said of them.

    Attributes:
        items: the names, in the order in which they occur.
        asked: for each answer the indices of its two items.
        said: for each "first", "second", "tie" or "none" (neither is good enough).
        cluster: for each the index of whose answers may depend on one another; None: nobody says.
        count: how often each was given; a share of an answer where a probability is told.
        row: the row that each stands in.
        topic: for each the index of what it was about, and ``topics`` their names; None: nobody says.
        dropped: answers that are left out since they were to be ("both bad").
    """

    items: list[str]
    asked: list[tuple[int, int]]
    said: list[str]
    cluster: list[int] | None
    count: list[float]
    row: list[int]
    dropped: int = 0
    topic: list[int] | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """The names of the columns; None: looked for under the usual ones.

    Attributes:
        winner, probability, votes: what says who won; one of them.
    """

    first: str | None = None
    second: str | None = None
    winner: str | None = None
    probability: str | None = None
    votes: tuple[str, ...] | None = None
    cluster: str | None = None
    topic: str | None = None

    def __post_init__(self) -> None:
        said = [f"--{name}" for name in ("winner", "probability", "votes") if getattr(self, name)]
        if len(said) > 1:
            raise InputError(f"{' and '.join(said)} both say who won; give one of them")
        if self.votes is not None and len(self.votes) not in (2, 3):
            raise InputError(
                f"--votes: two or three columns are expected (of the first, of the second, of ties), not {', '.join(self.votes)}"
            )

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns that hold names and words, also where they look like numbers."""
        given = tuple(name for name in (self.first, self.second, self.winner, self.cluster, self.topic) if name)
        return (*given, *(name for names in _COLUMNS.values() for name in names))

    def found_in(self, row: Mapping[str, Any]) -> "Columns":
        """All of them, as far as a row has them."""
        named = {role: getattr(self, role) or next((n for n in names if n in row), names[0]) for role, names in _COLUMNS.items()}
        votes, probability = self.votes, self.probability
        if votes is None and probability is None and self.winner is None and named["winner"] not in row:
            votes = next((tuple(n for n in names if n in row) for names in _VOTES if all(n in row for n in names[:2])), None)
            probability = _PROBABILITY if votes is None and _PROBABILITY in row else None
        winner = None if votes or probability else named["winner"]
        return Columns(named["first"], named["second"], winner, probability, votes, self.cluster, self.topic)


def comparisons(
    rows: Sequence[Mapping[str, Any]], columns: Columns = Columns(), both_bad: str = "neither", where: str = "the data", drop: bool = False
) -> Comparisons:
    """Read rows by the names of their columns.

    Args:
        both_bad: what the verdict that neither is good enough counts as: "neither", "tie", or "drop".
        drop: whether rows in which an item is compared with itself are left out, and counted.

    Raises:
        InputError: a column is missing, an item is compared with itself, or an answer is none; the sentence names the row.
    """
    if both_bad not in BOTH_BAD:
        raise InputError(f"--both-bad: {unknown('verdict', both_bad, list(BOTH_BAD))}")
    columns = columns.found_in(rows[0])
    items: dict[str, int] = {}
    people: dict[str, int] = {}
    topics: dict[str, int] = {}
    asked, said, counts, at, who, about, dropped = [], [], [], [], [], [], 0
    for index, row in enumerate(rows):
        with at_row(*place(rows, index, where)):
            a, b = (_text(row, name) for name in (columns.first, columns.second))
            if a == b and drop:
                dropped += 1
                continue
            if a == b:
                raise InputError(f"{a!r} is compared with itself; drop the row, or leave all such rows out with --drop")
            pair = items.setdefault(a, len(items)), items.setdefault(b, len(items))
            person = None if columns.cluster is None else people.setdefault(_text(row, columns.cluster), len(people))
            topic = None if columns.topic is None else topics.setdefault(_text(row, columns.topic), len(topics))
            for answer, count in _answers(row, columns, a, b):
                answer = BOTH_BAD[both_bad] if answer == "none" else answer
                if answer is None:
                    dropped += 1
                    continue
                asked.append(pair)
                said.append(answer)
                counts.append(count)
                at.append(index)
                who.append(person)
                about.append(topic)
    cluster, topic = (None if name is None else found for name, found in ((columns.cluster, who), (columns.topic, about)))
    return Comparisons(list(items), asked, said, cluster, counts, at, dropped, topic, tuple(topics))


def _answers(row: Mapping[str, Any], columns: Columns, a: str, b: str) -> list[tuple[str, float]]:
    """What a row says, and how often."""
    if columns.probability is not None:
        share = _number(row, columns.probability)
        if share > 1:
            raise InputError(
                f"column {columns.probability!r} says {share:g}, and the probability that the first is better lies between 0 and 1; for counts take --votes"
            )
        found = [("first", share), ("second", 1 - share)]
    elif columns.votes is not None:
        found = [(answer, _number(row, name)) for answer, name in zip(("first", "second", "tie"), columns.votes, strict=False)]
        if not any(count for _, count in found):
            raise InputError(f"there is no vote in {', '.join(map(repr, columns.votes))}; drop the row")
    else:
        found = [(_answer(_text(row, columns.winner), a, b, columns.winner), 1.0)]
    return [(answer, count) for answer, count in found if count]


def _number(row: Mapping[str, Any], column: str) -> float:
    text = _text(row, column)
    value = row[column]
    try:
        found = float(value if isinstance(value, int | float) else text)
    except (ValueError, OverflowError):
        found = math.nan
    if not (math.isfinite(found) and found >= 0):
        raise InputError(f"column {column!r} says {text[:40]!r}, where a number that is at least 0 is expected; mend or drop the row")
    return found


def _text(row: Mapping[str, Any], column: str) -> str:
    if column not in row:
        found = missing_column(column, row).split("; rename")[0]
        raise InputError(
            f"it {found}; name the columns with --first, --second, --winner (or --probability, --votes), --cluster and --topic"
        )
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
        f"column {column!r} says {word!r}: it should name the winner ({a!r}, {b!r}, or a, b), or say tie (or both good), or neither (or both bad) where "
        "none is good enough"
    )
