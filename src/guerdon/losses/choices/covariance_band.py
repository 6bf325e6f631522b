"""Covariance band: some of the batch's steps at which being likely and being praised go together, but not the most extreme ones, by lot.

    eligible = low <= covariance <= high,   covariance as in TopCovariance
    chosen   = the floor(share * steps) of the eligible ones, one at least, with the smallest lots; all where there are no more        [B, T]

A lot is made of the step's own numbers (CovarianceBetween), so that who is drawn depends on no split and no other randomness.

Source: Clip-Cov, Cui et al. 2025, arXiv 2505.22617, which leaves the chosen ones out: share 2e-4 and the band from 1 to 5. The code of its authors
and of verl draws among those only that the clip has not silenced already; the paper does not say so, and neither does this.
Differs from TopCovariance: bounded above, and drawn.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.choices.covariance_between import CovarianceBetween, lots
from guerdon.losses.choices.top_covariance import TopCovariance, of_batch, share_of_steps
from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class CovarianceBand:
    per_batch: ClassVar[bool] = True

    share: float = 2e-4
    low: float = 1.0
    high: float = 5.0

    def __post_init__(self) -> None:
        share_of_steps("covariance_band", self.share)

    def settled(self, logp: BT, advantage: BT, mask: Mask) -> CovarianceBetween:
        found, means = of_batch(logp, advantage, mask)
        drawn = lots(logp.detach()[mask], advantage.detach()[mask])[(found >= self.low) & (found <= self.high)]
        count = max(int(self.share * len(found)), 1)
        lot = float(drawn.sort().values[count - 1]) if len(drawn) > count else 1.0
        return CovarianceBetween(self.low, self.high, *means, lot=lot)

    def __call__(self, logp: BT, advantage: BT, mask: Mask) -> Mask:
        return self.settled(logp, advantage, mask)(logp, advantage) & mask


_steps = {  # means -3 and 0: covariances 2, 0 (and one that was not acted), 3, -1
    "logp": [[-1.0, -3.0, -9.0], [-6.0, -2.0, -1.0]],
    "advantage": [[1.0, 1.0, 1.0], [-1.0, -1.0, 0.0]],
    "mask": [[1, 1, 0], [1, 1, 0]],
}
witness = (
    Witness(CovarianceBand(0.5, low=1.0, high=2.5), parent=TopCovariance(0.25), given=_steps, returns=[[1, 0, 0], [0, 0, 0]]),
    Witness(
        CovarianceBand(0.5, low=1.0, high=5.0),
        parent=CovarianceBand(0.5, low=1.0, high=2.5),
        given=_steps,
        returns=[[1, 0, 0], [1, 0, 0]],
    ),
    Witness(
        CovarianceBand(0.75, low=-0.5, high=2.5),
        parent=CovarianceBand(0.75, low=1.0, high=2.5),
        given=_steps,
        returns=[[1, 1, 0], [0, 0, 0]],
    ),
)
