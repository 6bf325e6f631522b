"""What the rows of a bench are: pairs, candidates of which some are right, or solutions in steps. Rows of other shapes that lead to one of these are converted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.catalogue import unknown
from guerdon.data.conversions._converted import as_messages
from guerdon.data.conversions._shapes import shape_of
from guerdon.data.converting import Converting, way
from guerdon.errors import InputError
from guerdon.tasks.dataset import Dataset
from guerdon.tasks.rows import place

CATEGORIES = ("subset", "category")  # where no column is named
PAIRS, CANDIDATES, STEPS = "pairs", "candidates", "steps"
_AS = {PAIRS: "pairs", CANDIDATES: "ranking", STEPS: "stepwise"}


@dataclass
class Rows:
    """Rows of one kind, where each of them stands in its file, how many were read, and what was left out."""

    kind: str
    rows: list[Mapping[str, Any]]
    numbers: list[int]
    read: int
    left_out: dict[str, int]
    where: str
    category: str | None

    @property
    def plain(self) -> bool:
        """Whether what is asked is a text and no conversation."""
        return isinstance(self.rows[0].get("prompt", self.rows[0].get("chosen")), str)

    def category_of(self, row: Mapping[str, Any]) -> str:
        value = row.get(self.category) if self.category else None
        return "" if value is None else str(value)


def read(path: str, most: int | None = None, category: str | None = None, chat: bool = False) -> Rows:
    """The rows of a file as what they are; with ``chat`` plain texts as turns of a conversation.

    Raises:
        InputError: they cannot be read, or nothing in them says what is better.
    """
    found = Dataset(path, shuffle=False, max_rows=most).train()
    kind = _kind(found, path)
    converted = Converting(_AS[kind])(found, path)
    places = converted.places if converted.places is not None else [None] * len(converted.rows)
    numbers = [-1 if at is None else place(found, at)[0] for at in places]
    rows = [_as_turns(row) for row in converted.rows] if chat else converted.rows
    return Rows(kind, rows, numbers, len(found), dict(converted.left_out), path, _category(rows, category, path))


def _as_turns(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose plain texts are what the user and the assistant say; the steps of a solution stay texts."""
    from guerdon.data.formats.preference import split

    if "chosen" in row and "prompt" not in row:
        row = {**row, **dict(zip(("prompt", "chosen", "rejected"), split(row), strict=True))}
    if not isinstance(row.get("prompt"), str):
        return dict(row)
    made = {**row, "prompt": as_messages(row["prompt"], "user")}
    for side in ("chosen", "rejected"):
        if side in row:
            made[side] = as_messages(row[side], "assistant")
    if "completions" in row and "labels" not in row:
        made["completions"] = [as_messages(answer, "assistant") for answer in row["completions"]]
    return made


def _kind(rows: Sequence[Mapping[str, Any]], path: str) -> str:
    first = next((row for row in rows if shape_of(row) is not None), rows[0])
    shape = shape_of(first)
    if shape is None:
        sides = [name for name in ("chosen", "rejected") if name in first]
        if len(sides) == 1:
            other = "rejected" if sides == ["chosen"] else "chosen"
            raise InputError(f"row 0 of {path} has {sides[0]!r} and no {other!r}, so nothing is compared; add the other side")
        raise InputError(
            f"the columns {', '.join(map(repr, first))} of {path} say nothing of what is better; give pairs (prompt, chosen, rejected), candidates (chosen and rejected as "
            "lists), or solutions in steps (prompt, completions, labels)"
        )
    if shape == "right_and_wrong" or (shape == "ranking" and _is_right_and_wrong(first)):
        return CANDIDATES
    for kind in (STEPS, PAIRS):
        try:
            way(shape, _AS[kind], path)
        except InputError:
            continue
        return kind
    raise InputError(
        f"the rows of {path} are {shape} and have one answer each, so nothing says which is better; give pairs (prompt, chosen, rejected) or verdicts (prompt, "
        "completion, label), or let guerdon score say what the model makes of them"
    )


def _is_right_and_wrong(row: Mapping[str, Any]) -> bool:
    scores = row.get("scores")
    return isinstance(scores, list) and set(scores) == {0, 1}


def _category(rows: Sequence[Mapping[str, Any]], asked: str | None, path: str) -> str | None:
    there = {str(name): None for row in rows for name in row}
    if asked is None:
        return next((name for name in CATEGORIES if name in there), None)
    if asked not in there:
        raise InputError(f"--category: {unknown('column', asked, list(there))} (of {path})")
    return asked
