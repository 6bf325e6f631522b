"""Verdict: the policy is told whether its answer was right, and the conversation is over where it was, unless it is told so as well.

    reply = wrong where reward < threshold,  right where it is not        columns of the row, and {reward}, in braces

``right`` "" ends the conversation. An answer that nobody could judge ends it too.

Source: the binary feedback of multi-turn code and maths training, as in RLEF, arXiv 2410.02089 (the conversation ends with the first right answer); ``threshold`` 1 is the top of
a verifier's reward. The words are ours.
Differs from Sentence: who answers need not find out whether there is an error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.replies.sentence import Sentence
from guerdon.tasks.filling import filled
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class Verdict:
    wrong: str = "That is not right. Answer again."
    right: str = ""
    threshold: float = 1.0

    def __call__(self, row: Sequence[Mapping[str, Any]], reward: Tensor) -> list[tuple[str, ...]]:
        return [self._of(own, value) for own, value in zip(row, reward.tolist(), strict=True)]

    def _of(self, row: Mapping[str, Any], reward: float) -> tuple[str, ...]:
        text = "" if math.isnan(reward) else self.right if reaches(reward, self.threshold) else self.wrong
        return (filled(text, row, {"reward": f"{reward:g}"}),) if text else ()


_given = {"row": [{"x": 1}] * 3, "reward": torch.tensor([1.0, 0.5, math.nan])}
witness = (
    Witness(Verdict("no, {x}"), parent=Sentence("no, {x}"), given=_given, returns=[(), ("no, 1",), ()]),
    Witness(Verdict("{reward}", right="yes", threshold=0.5), parent=Verdict("{reward}"), given=_given, returns=[("yes",), ("yes",), ()]),
)
