"""Easy to hard: prompts have levels, and which level is practised moves up as training goes on.

    place  = progress^power * (K - 1)                                 of K levels 0 .. K - 1
    weight = exp(-((level - place) / width)^2 / 2) / prompts of that level        [P]

``level`` is a column of the task: numbers, of which the distinct ones in ascending order are the levels. Levels weigh as the density says, however many prompts each has.

Source: E2H Reasoner, Parashar et al. 2025, arXiv 2506.06632, the Gaussian scheduler, and its authors' code, whose ``power`` 0.5 and ``width`` 0.5 these
are (``mu_exp``, ``sigma``); its floor of a share is left out.
Differs from SuccessTarget: what is hard is told, and time decides, not success.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection.success_target import SuccessTarget
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class EasyToHard:
    power: float = 0.5
    width: float = 0.5
    column: str = "level"

    def init(self) -> dict[str, Any]:
        return {}

    def __call__(
        self, reward: B, prompt_id: Group, size: int, state: dict[str, Any], level: Tensor, progress: float
    ) -> tuple[Tensor, dict[str, Any]]:
        levels, which, count = torch.unique(level, return_inverse=True, return_counts=True)
        place = progress**self.power * (len(levels) - 1)
        density = (-((torch.arange(len(levels), dtype=torch.float64) - place) / self.width).square() / 2).exp()
        return (density / count)[which], state


_none = {"reward": torch.zeros(0), "prompt_id": torch.zeros(0).long(), "size": 4, "state": {}}
_given = _none | {"level": torch.tensor([3.0, 1.0, 1.0, 7.0]), "progress": 0.25}  # level 1 of three, by the square root
E1, E2 = 0.6065306597126334, 0.1353352832366127  # exp(-1/2), exp(-2)
witness = (
    Witness(EasyToHard(), parent=SuccessTarget(), given=_given, returns=[1.0, E2 / 2, E2 / 2, E2]),
    Witness(EasyToHard(width=1.0), parent=EasyToHard(), given=_given, returns=[1.0, E1 / 2, E1 / 2, E1]),
    Witness(EasyToHard(power=1.0, width=0.5), parent=EasyToHard(), given=_given, returns=[E1, E1 / 2, E1 / 2, 0.011108996538242306]),
)
