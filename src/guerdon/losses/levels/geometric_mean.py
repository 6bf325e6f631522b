"""Geometric mean: the ratio of whole sequences per step, so that long ones are no further off than short ones.

    log_ratio_t = mean over acted steps of log_ratio        [B, T], nats, 0 where the mask is false

Source: ``seq_mean_k1`` of verl's rollout correction (Li et al. 2025, Trust Region Masking, arXiv 2512.23075, and its authors' "When Speed
Kills Stability"), where it bounds which sequences are kept; GSPO, arXiv 2507.18071, eq. 7, has the same mean in a surrogate. It is no
importance weight: the expectation that it would make right is of nothing. It measures how far a sequence is off.
Differs from Product: divided by the number of steps.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.levels.product import Product
from guerdon.quantities import BT, Mask
from guerdon.steps import average, spread
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class GeometricMean:
    def __call__(self, log_ratio: BT, mask: Mask) -> BT:
        return spread(average(log_ratio, mask), mask)


witness = Witness(
    GeometricMean(),
    parent=Product(),
    given={"log_ratio": [[1.0, 2.0, 9.0], [0.5, -0.25, 0.5]], "mask": [[1, 1, 0], [1, 1, 1]]},
    returns=[[1.5, 1.5, 0.0], [0.25, 0.25, 0.25]],
    gradient={"log_ratio": [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]},
)


def one_step(inputs: dict) -> dict:
    """Sequences of which one step was acted."""
    first = torch.zeros_like(inputs["mask"])
    first[:, 0] = True
    return inputs | {"mask": first}


limits = (Limit(GeometricMean(), equals=Product(), when="sequences have one acted step", under=one_step),)
