"""Calls: each call of a tool is one segment, and what is said before, between and after the calls of a turn another.

    a segment begins at the first acted step of each turn, at the one in which one of ``opens`` begins, and after the one in which the next of ``closes`` is completed     [B, T]

So credit of segments is credit of calls, thoughts beside them apart. A call that is not closed goes on to the end of its turn; without ``closes`` each goes on to the next that is
opened (Mistral: opens ``[TOOL_CALLS]``). A token that holds more than the delimiter belongs to the call.

Source: ours; a segment for each call as ToolRL, arXiv 2504.13958, looks at calls one by one. ``opens`` and ``closes``: as Hermes, Qwen and GLM write calls.
Differs from Turns: a turn that thinks and then calls twice is three segments.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch

from guerdon.credit.segments._starts import numbered
from guerdon.credit.segments.turns import Turns
from guerdon.errors import InputError
from guerdon.quantities import Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class Calls:
    opens: tuple[str, ...] = ("<tool_call>",)
    closes: tuple[str, ...] = ("</tool_call>",)

    def __post_init__(self) -> None:
        if not self.opens or not all(self.opens) or not all(self.closes):
            raise InputError("segments: calls needs what opens a call; set opens, such as '<tool_call>', and closes, which may be empty")

    def __call__(self, action: Segment, mask: Mask, token_text: Callable[[Sequence[int]], list[str]] | None) -> Segment:
        if token_text is None:
            raise InputError("segments: calls reads text and this policy's actions are no tokens; use turns")
        follows = torch.cat([torch.zeros_like(mask[:, :1]), mask[:, :-1]], -1)
        starts = mask & ~follows
        turns = starts.long().cumsum(-1)
        for row in range(len(mask)):
            for turn in range(1, int(turns[row].max()) + 1 if mask.shape[1] else 1):
                steps = ((turns[row] == turn) & mask[row]).nonzero().flatten().tolist()
                for place in self._begins(token_text(action[row, steps].tolist())):
                    starts[row, steps[place]] = True
        return numbered(starts, mask)

    def _begins(self, texts: Sequence[str]) -> Iterator[int]:
        """At which of a turn's tokens a call begins, or what follows one."""
        whole = "".join(texts)
        ends = list(accumulate(map(len, texts)))
        at = 0
        while (opened := _next(whole, self.opens, at)) is not None:
            yield bisect_right(ends, opened[0])
            at = opened[1]
            if self.closes:
                closed = _next(whole, self.closes, at)
                if closed is None:
                    return
                at = closed[1]
                if (after := bisect_left(ends, at) + 1) < len(texts):
                    yield after


def _next(text: str, words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Where the next of the words begins, and where it ends."""
    return min(((place, place + len(word)) for word in words if (place := text.find(word, at)) >= 0), default=None)


def _letters(tokens: Sequence[int]) -> list[str]:
    return [("a", "b<tool", "_call>x", "", "</tool_", "call>c")[token] for token in tokens]


def admissible(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments in which tokens have texts."""
    return {**given, "token_text": _letters}


_said = {
    "action": [[0, 1, 2, 4, 5, 3, 0, 0], [0, 1, 2, 0, 1, 2, 4, 5]],
    "mask": [[1, 1, 1, 1, 1, 1, 0, 1], [0, 1, 1, 0, 1, 1, 1, 1]],
    "token_text": _letters,
}
witness = (
    Witness(Calls(), parent=Turns(), given=_said, returns=[[0, 1, 1, 1, 1, 2, 2, 3], [0, 0, 0, 0, 1, 1, 1, 1]]),
    Witness(Calls(opens=("x",), closes=()), parent=Calls(), given=_said, returns=[[0, 0, 1, 1, 1, 1, 1, 2], [0, 0, 1, 1, 2, 3, 3, 3]]),
    Witness(Calls(closes=("x",)), parent=Calls(), given=_said, returns=[[0, 1, 1, 2, 2, 2, 2, 3], [0, 0, 0, 0, 1, 1, 2, 2]]),
)
