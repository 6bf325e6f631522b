"""After text: a segment ends with the token that completes a delimiter, however the tokenizer cut it.

    a segment begins at each acted step after the one in which an occurrence of one of ``delimiters`` was completed        [B, T]

Occurrences do not overlap. Text that the policy did not write (tool output) takes no part: a delimiter is looked for in what was acted.

Source: VinePPO, arXiv 2410.01679, whose reasoning steps end with a new line. ``delimiters``: a new line.
Differs from AfterActions: two tokens may spell one delimiter, and one token more than it. Needs a policy that speaks; a finite one is cut by its actions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from guerdon.credit.segments._starts import numbered
from guerdon.credit.segments.after_actions import AfterActions
from guerdon.errors import InputError
from guerdon.quantities import Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class AfterText:
    delimiters: tuple[str, ...] = ("\n",)

    def __post_init__(self) -> None:
        if not self.delimiters or not all(self.delimiters):
            raise InputError("segments: after_text needs a delimiter of one character or more; set delimiters, such as '\\n'")

    def __call__(self, action: Segment, mask: Mask, token_text: Callable[[Sequence[int]], list[str]] | None) -> Segment:
        if token_text is None:
            raise InputError("segments: after_text reads text and this policy's actions are no tokens; use after_actions or every_n")
        starts = torch.zeros_like(mask)
        for row, acted in enumerate(mask):
            steps = acted.nonzero().flatten().tolist()
            ended, tail = False, ""
            for step, text in zip(steps, token_text(action[row, steps].tolist()), strict=True):
                starts[row, step] = ended
                ended, tail = self._read(tail + text)
        return numbered(starts, mask)

    def _read(self, text: str) -> tuple[bool, str]:
        """Whether a delimiter is completed in it, and what follows the last one."""
        after = max((text.rfind(delimiter) + len(delimiter) for delimiter in self.delimiters if delimiter in text), default=0)
        longest = max(map(len, self.delimiters))
        return after > 0, text[after:][1 - longest :] if longest > 1 else ""


def _letters(tokens: Sequence[int]) -> list[str]:
    return [("a", "\n", "b\n\nc", "")[token] for token in tokens]


def admissible(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments in which tokens have texts."""
    return {**given, "token_text": _letters}


_said = {"action": [[0, 1, 1, 2, 0, 3], [1, 1, 0, 0, 0, 0]], "mask": [[1, 1, 1, 1, 1, 1], [1, 0, 1, 1, 0, 0]], "token_text": _letters}
witness = (
    Witness(AfterText(), parent=AfterActions(actions=(1,)), given=_said, returns=[[0, 0, 1, 2, 3, 3], [0, 0, 1, 1, 1, 1]]),
    Witness(AfterText(delimiters=("\n\n",)), parent=AfterText(), given=_said, returns=[[0, 0, 0, 1, 2, 2], [0, 0, 0, 0, 0, 0]]),
)
