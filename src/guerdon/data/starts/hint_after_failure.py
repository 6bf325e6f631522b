"""Hint after failure: a prompt that no answer solved is tried from the beginning of its demonstration next time, from more of it each time it fails again.

    stage(x) = 0 before x was tried, and after an attempt in which an answer was right        from there on the prompt is tried without a hint again
               the next one, up to the last, after an attempt in which none was
    share(x) = (0, *stages)[stage(x)]                                                          [size]

Source: GHPO, Liu et al. 2025, arXiv 2507.10628: a hint, the first part of the reference solution, only for prompts that no answer of the group solves, of a
quarter, a half and three quarters of it by stages (``stages``), as in its authors' code. There the hint joins the prompt and the group is drawn anew in the same step; here
it is the beginning of the next answers, and costs no second draw.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.quantities import B, Group
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class HintAfterFailure:
    stages: tuple[float, ...] = (0.25, 0.5, 0.75)
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not self.stages or not all(0 < share <= 1 for share in self.stages):
            raise InputError(
                f"hints are shares of a demonstration, above 0 and at most 1, and there is at least one; stages is {self.stages}"
            )

    def init(self) -> dict[str, Any]:
        return {}

    def __call__(self, reward: B, prompt_id: Group, size: int, state: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
        stage = state.get("stage", torch.zeros(size, dtype=torch.long)).clone()
        known = ~reward.isnan()
        tried, solved = prompt_id[known].unique(), prompt_id[known & reaches(reward, self.threshold)].unique()
        stage[tried] = (stage[tried] + 1).clamp(max=len(self.stages))
        stage[solved] = 0
        return torch.tensor([0.0, *self.stages], dtype=torch.float64)[stage], {"stage": stage}


_given = {
    "reward": torch.tensor([0.0, 0.4, 1.0, 0.0, 0.0]),
    "prompt_id": torch.tensor([0, 0, 1, 1, 3]),
    "size": 5,
    "state": {"stage": torch.tensor([0, 2, 1, 3, 0])},
}
witness = (
    Witness(HintAfterFailure(), given=_given, returns=[0.25, 0.0, 0.25, 0.75, 0.0]),
    Witness(HintAfterFailure(stages=(0.2, 0.4, 0.6)), parent=HintAfterFailure(), given=_given, returns=[0.2, 0.0, 0.2, 0.6, 0.0]),
    Witness(HintAfterFailure(threshold=0.4), parent=HintAfterFailure(), given=_given, returns=[0.0, 0.0, 0.25, 0.75, 0.0]),
)
