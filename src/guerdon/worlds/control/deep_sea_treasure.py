"""Deep sea treasure: the deeper a treasure lies, the more it is worth and the longer it takes. Two objectives, with a front that is known.

    reward [B, 2] = (what the treasure is worth, -1 for every step); actions: up 0, down 1, left 2, right 3; into the ground or off the map one stays

State and observation: row and column of 11 x 11, from (0, 0), the surface at the left. It ends at a treasure. ``concave`` has the values of Vamplew's map, of whose front a
weighted sum finds only the two ends; else Yang's, whose front is convex.

Source: Vamplew et al. 2011; MO-Gymnasium's deep-sea-treasure-v0 and -concave-v0 (their maps, fronts and moves), a test holds values to theirs.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step
from guerdon.worlds.control._shared import PAIRWISE, SeenWhole

DEPTHS = (1, 2, 3, 4, 4, 4, 7, 7, 9, 10)  # the row of each column's treasure
CONVEX = (0.7, 8.2, 11.5, 14.0, 15.1, 16.1, 19.6, 20.3, 22.4, 23.7)
CONCAVE = (1.0, 2.0, 3.0, 5.0, 8.0, 16.0, 24.0, 50.0, 74.0, 124.0)
_GROUND = torch.tensor([*DEPTHS, 10])  # the deepest row of water of each column


@dataclass(frozen=True)
class DeepSeaTreasure(SeenWhole):
    concave: bool = False
    horizon: int = 100

    begins: ClassVar[int] = 0
    noise: ClassVar[int] = 0
    observations: ClassVar[Box] = Box((0.0, 0.0), (10.0, 10.0))
    actions: ClassVar[Discrete] = Discrete(4)

    @property
    def front(self) -> Tensor:
        """[10, 2], what the Pareto-optimal policies earn, undiscounted: of each treasure, by the shortest way."""
        worth = CONCAVE if self.concave else CONVEX
        rows = [(value, -float(column + depth)) for column, (value, depth) in enumerate(zip(worth, DEPTHS, strict=True))]
        return torch.tensor(rows, dtype=torch.float64)

    def begin(self, uniforms: Tensor) -> Tensor:
        return torch.zeros(len(uniforms), 2, dtype=torch.float64)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        there = (state + PAIRWISE[action.long().reshape(len(state))]).clamp(0, 10)
        row, column = there.long().unbind(-1)
        there = torch.where((row <= _GROUND[column]).unsqueeze(-1), there, state)
        row, column = there.long().unbind(-1)
        depths, worth = torch.tensor([*DEPTHS, -1]), torch.tensor([*(CONCAVE if self.concave else CONVEX), 0.0], dtype=torch.float64)
        found = row == depths[column]
        value = torch.where(found, worth[column], 0.0)
        return Step(there, torch.stack([value, torch.full_like(value, -1.0)], -1), found)
