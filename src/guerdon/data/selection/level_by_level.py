"""Level by level: the easiest level first and alone, then the next, each for the same part of the training.

    place  = min(floor(progress * K), K - 1)                          of K levels 0 .. K - 1
    weight = 1 / prompts of that level at the level in place, 0 elsewhere                    [P]

``level`` is a column of the task: numbers, of which the distinct ones in ascending order are the levels. A step asks for no more prompts than a level has.

Source: the curriculum of Li et al. 2025, arXiv 2507.17512, section 4.4: Knights and Knaves of 3 to 8 people, in this order. Its refresh, a new reference and a new
optimiser at each level, is ``updates: [{part: reset_reference, every: ...}]`` for the one, and a stage for each level for both.
Differs from EasyToHard: no level is mixed with another.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection.easy_to_hard import EasyToHard
from guerdon.quantities import B, Group
from guerdon.thresholds import TOLERANCE
from guerdon.witness import Witness


@dataclass(frozen=True)
class LevelByLevel:
    column: str = "level"

    def init(self) -> dict[str, Any]:
        return {}

    def __call__(
        self, reward: B, prompt_id: Group, size: int, state: dict[str, Any], level: Tensor, progress: float
    ) -> tuple[Tensor, dict[str, Any]]:
        levels, which, count = torch.unique(level, return_inverse=True, return_counts=True)
        place = min(int(progress * len(levels) + TOLERANCE), len(levels) - 1)
        return ((which == place).double() / count[which]), state


_none = {"reward": torch.zeros(0), "prompt_id": torch.zeros(0).long(), "size": 4, "state": {}}
_given = _none | {"level": torch.tensor([3.0, 1.0, 1.0, 7.0])}
witness = (
    Witness(LevelByLevel(), parent=EasyToHard(), given=_given | {"progress": 0.25}, returns=[0.0, 0.5, 0.5, 0.0]),
    Witness(LevelByLevel(), parent=EasyToHard(), given=_given | {"progress": 1 / 3}, returns=[1.0, 0.0, 0.0, 0.0]),
    Witness(LevelByLevel(), parent=EasyToHard(), given=_given | {"progress": 1.0}, returns=[0.0, 0.0, 0.0, 1.0]),
)
