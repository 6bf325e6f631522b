"""Answers that say nothing: of one turn, or of all, only the end is learned."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared
    from guerdon.sequences import Side


_SHARE = 0.02  # fewer are in every collection
_FEW = 16  # tokens; what is longer says something


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    if prepared.loop == "improve":
        return
    # a step is learned on its last token
    rows = dict.fromkeys(index for index, _, side in looked.each() if not side.steps and any(_blank(turn, looked) for turn in _turns(side)))
    if len(rows) > _SHARE * len(looked.sides):
        yield Doubt(
            f"{looked.share(list(rows))} have an answer in which nothing is said, and that is what is learned of it; fill them in or drop them",
            next(iter(rows)),
        )


def _turns(side: "Side") -> Iterator[list[int]]:
    """The tokens that are learned, one turn after the other."""
    for is_learned, steps in groupby(zip(side.actions, side.mask, strict=True), key=lambda step: bool(step[1])):
        if is_learned:
            yield [token for token, _ in steps]


def _blank(turn: list[int], looked: "Looked") -> bool:
    return len(turn) <= _FEW and not looked.encoder.completion([], turn)[0]["content"].strip()
