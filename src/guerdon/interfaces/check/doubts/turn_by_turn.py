"""The template rewrites earlier turns, so that a conversation is as many examples as it has answers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    rows = looked.noticed.get("by_turn", [])
    if rows:
        longest = max(rows, key=lambda index: sum(len(side) for side in looked.sides[index].values() if isinstance(side, tuple)))
        yield Doubt(
            f"the chat template rewrites earlier turns, so {looked.share(rows)} are learned turn by turn: each answer in the context in which it would be sampled, "
            "which computes what stands before it once for each",
            longest,
        )
