"""Moving average: a copy of the policy that follows it slowly.

    copy = decay * copy + (1 - decay) * policy        after every ``every`` optimiser steps

Source: Polyak and Juditsky 1992; with a constant decay as in the reference updates of TR-DPO, arXiv 2404.09656, eq. 1 (its alpha is 1 - decay).
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.witness import Witness


@dataclass(frozen=True)
class MovingAverage:
    of: str = "policy"
    into: str = "ema"
    decay: float = 0.99
    every: int = 1

    def __call__(self, step: int, now: Tensor, copy: Tensor) -> Tensor:
        return copy if step % self.every else self.decay * copy + (1 - self.decay) * now


witness = (
    Witness(MovingAverage(decay=0.75), given={"step": 1, "now": 4.0, "copy": 0.0}, returns=1.0),
    Witness(MovingAverage(decay=0.75, every=2), parent=MovingAverage(decay=0.75), given={"step": 1, "now": 4.0, "copy": 0.0}, returns=0.0),
    Witness(MovingAverage(decay=0.75, every=2), parent=MovingAverage(), given={"step": 2, "now": 4.0, "copy": 0.0}, returns=1.0),
)
