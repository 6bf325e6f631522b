"""Unbiased: labels are wrong with a known probability, and the loss is corrected so that its expectation is that of right ones.

    p = (1 - rate) / (1 - 2 rate)        [N], above 1

    (1 - rate) * (p l(w, l) + (1 - p) l(l, w)) + rate * (p l(l, w) + (1 - p) l(w, l)) = l(w, l)

Invalid at a rate of 1/2, where labels say nothing; the closer to it, the larger the variance: 1 / (1 - 2 rate).

Source: robust DPO, arXiv 2403.00409, eq. 12. Default ``rate`` 0.1: TRL's example.
Differs from Noisy: takes the noise back, where that one keeps it from being believed.
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.losses.labels.noisy import Noisy
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Unbiased:
    rate: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 0.5:
            raise InputError(
                f"labels that are wrong with probability {self.rate} cannot be corrected; give a rate of at least 0 and below 1/2"
            )

    def __call__(self, chosen_score: N) -> N:
        return torch.full_like(chosen_score, (1 - self.rate) / (1 - 2 * self.rate))


witness = Witness(Unbiased(rate=0.25), parent=Noisy(rate=0.25), given={"chosen_score": [5.0, -2.0]}, returns=[1.5, 1.5])
limits = (Limit(Unbiased(rate=0.0), equals=Noisy(rate=0.0), when="labels are right"),)
