"""Clipped regression: no gain from moving the critic further than ``epsilon`` from where it was when the batch was acted.

    near = old_value + clip(value - old_value, -epsilon, epsilon)
    loss = max((value - target)^2, (near - target)^2)        [B, T], in units of reward squared

Source: not in the PPO paper but in its authors' code (baselines, ppo2); discussed by Engstrom et al. 2020, arXiv 2005.12729. The same, with
max, in the code of Ziegler et al. 2019, arXiv 1909.08593. ``epsilon`` 0.2 is that code's, in units of the return: rescale it with the reward.
Differs from SquaredError: a step that has moved by ``epsilon`` towards its target gets no gradient.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.values.squared_error import SquaredError
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ClippedRegression:
    epsilon: float = 0.2

    def __call__(self, value: BT, old_value: BT, target: BT) -> BT:
        target, old_value = target.detach(), old_value.detach()
        near = old_value + (value - old_value).clamp(-self.epsilon, self.epsilon)
        return torch.maximum((value - target) ** 2, (near - target) ** 2)


_moved = {"value": [[2.0, 2.0]], "old_value": [[1.0, 1.0]], "target": [[1.0, 3.0]]}
witness = (
    Witness(  # away from its target: as usual; towards it, beyond the bound: (1.2 - 3)^2 without a gradient
        ClippedRegression(),
        parent=SquaredError(),
        given=_moved,
        returns=[[1.0, 3.24]],
        gradient={"value": [[2.0, 0.0]], "old_value": None, "target": None},
    ),
    Witness(
        ClippedRegression(epsilon=0.5),
        parent=ClippedRegression(),
        given=_moved,
        returns=[[1.0, 2.25]],
        gradient={"value": [[2.0, 0.0]]},
    ),
)

limits = (Limit(ClippedRegression(epsilon=1e9), equals=SquaredError(), when="the bound is far"),)
