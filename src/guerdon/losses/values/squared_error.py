"""Squared error: the critic's estimate is to be the mean of its targets.

    loss = (value - target)^2        [B, T], in units of reward squared

Source: PPO, arXiv 1707.06347, eq. 9 (without a half; its coefficient is the term's weight).
"""

from dataclasses import dataclass

from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class SquaredError:
    def __call__(self, value: BT, target: BT) -> BT:
        return (value - target.detach()) ** 2


witness = Witness(
    SquaredError(),
    given={"value": [[2.0, 0.0]], "target": [[1.0, 3.0]]},
    returns=[[1.0, 9.0]],
    gradient={"value": [[2.0, -6.0]], "target": None},
)
