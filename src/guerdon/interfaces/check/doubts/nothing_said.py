"""Answers that say nothing: only the end is learned."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


_SHARE = 0.02  # fewer are in every collection
_END = 1  # token


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    if prepared.loop == "improve":
        return
    shortest = {}
    for index, _, side in looked.each():
        if not side.steps:  # a step is learned on its last token
            shortest[index] = min(shortest.get(index, len(side.actions)), sum(map(bool, side.mask)))
    rows = [index for index, learned in shortest.items() if learned <= _END]
    if len(rows) > _SHARE * len(looked.sides):
        yield Doubt(
            f"{looked.share(rows)} have an answer of which {_END} token is learned: the model is taught to say nothing; fill them in or drop them",
            rows[0],
        )
