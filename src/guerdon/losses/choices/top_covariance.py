"""Top covariance: the share of the batch's steps at which being likely and being praised go together the most.

    covariance = (logp - mean of logp) * (advantage - mean of the advantage), over all acted steps of the batch
    chosen     = the floor(share * steps) of the largest, one at least; all that are as large as the smallest of these        [B, T]

These few steps are what a policy loses its entropy by.

Source: KL-Cov, Cui et al. 2025, arXiv 2505.22617, whose scripts take 2e-3 (7B) and 2e-4 (32B); the latter is the default of verl (``kl_cov_ratio``).
Differs from CovarianceBetween: the means and the bound are those of the batch.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.choices.covariance_between import CovarianceBetween, covariance
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class TopCovariance:
    per_batch: ClassVar[bool] = True

    share: float = 2e-4

    def __post_init__(self) -> None:
        share_of_steps("top_covariance", self.share)

    def settled(self, logp: BT, advantage: BT, mask: Mask) -> CovarianceBetween:
        found, means = of_batch(logp, advantage, mask)
        count = max(int(self.share * len(found)), 1)
        bound = float(found.topk(count).values[-1]) if len(found) else math.inf
        return CovarianceBetween(bound, math.inf, *means)

    def __call__(self, logp: BT, advantage: BT, mask: Mask) -> Mask:
        return self.settled(logp, advantage, mask)(logp, advantage) & mask


def of_batch(logp: BT, advantage: BT, mask: Mask) -> tuple[Tensor, tuple[float, float]]:
    """The covariances of the acted steps, and the means that they are of."""
    logp, advantage = logp.detach()[mask], advantage.detach()[mask]
    means = (float(logp.mean()), float(advantage.mean())) if len(logp) else (0.0, 0.0)
    return covariance(logp, advantage, *means), means


def share_of_steps(what: str, share: object) -> None:
    """Refuse what is no share; schedules are seen when they have become numbers."""
    if isinstance(share, (int, float)) and not 0 < share <= 1:
        raise InputError(f"{what}: share is {share}, and is a share of the steps of a batch; give a number above 0, up to 1")


_steps = {  # means -3 and 0: covariances 2, 0 (and one that was not acted), 3, -1
    "logp": [[-1.0, -3.0, -9.0], [-6.0, -2.0, -1.0]],
    "advantage": [[1.0, 1.0, 1.0], [-1.0, -1.0, 0.0]],
    "mask": [[1, 1, 0], [1, 1, 0]],
}
witness = (
    Witness(TopCovariance(0.5), parent=CovarianceBetween(0.0, 9.0, -3.0, 0.0), given=_steps, returns=[[1, 0, 0], [1, 0, 0]]),
    Witness(TopCovariance(1e-4), parent=TopCovariance(0.5), given=_steps, returns=[[0, 0, 0], [1, 0, 0]]),
)
limits = (Limit(TopCovariance(1.0), equals=CovarianceBetween(-math.inf, math.inf, 0.0, 0.0), when="the share is 1: all acted steps"),)
