"""Reset of the reference: every so many steps the reference becomes the policy.

Source: the reference reset of ProRL, arXiv 2505.24864, section 3.1, and the hard update of TR-DPO, arXiv 2404.09656, eq. 2.
Differs from MovingAverage: nothing of the copy is left. With a decay of 0 that one is the same.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.training.updates.moving_average import MovingAverage
from guerdon.witness import Witness


@dataclass(frozen=True)
class ResetReference:
    every: int
    of: str = "policy"
    into: str = "ref"

    def __call__(self, step: int, now: Tensor, copy: Tensor) -> Tensor:
        return copy if step % self.every else now


witness = (
    Witness(ResetReference(every=2), parent=MovingAverage(), given={"step": 2, "now": 4.0, "copy": 0.0}, returns=4.0),
    Witness(ResetReference(every=2), parent=MovingAverage(), given={"step": 3, "now": 4.0, "copy": 0.0}, returns=0.0),
)
