"""Thurstone: each item is felt as its score plus normal noise, and the one that is felt to be better is preferred (a probit).

    P(first) = Phi(score_first - score_second)        answers: the first, the second

``score`` [M], in standard deviations of the difference of the two noises (of one item's noise, times the square root of 2). Only differences count, as in BradleyTerry.

Source: Thurstone 1927, A law of comparative judgment, case V; the unit is a convention.
Differs from BradleyTerry: normal tails, so a surprising answer costs the square of the difference, not the difference.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.special import log_ndtr

from guerdon.exact.likelihoods._family import Choice, pairs_only
from guerdon.exact.likelihoods.bradley_terry import BradleyTerry
from guerdon.witness import Witness


@dataclass(frozen=True)
class Thurstone(Choice):
    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        return [(0,), (1,)]

    def __call__(self, asked: Tensor, score: Tensor) -> Tensor:
        pairs_only(asked, "Thurstone")
        first, second = score[asked].unbind(-1)
        return torch.stack([log_ndtr(first - second), log_ndtr(second - first)], -1)


# Phi(1.2815515655446004) = 9/10, the table's 90 % quantile.
LN9, LN10 = 2.1972245773362196, 2.302585092994046
witness = Witness(
    Thurstone(),
    parent=BradleyTerry(),
    given={"asked": torch.tensor([[1, 0]]), "score": torch.tensor([1.0, 2.2815515655446004], dtype=torch.float64)},
    returns=[[LN9 - LN10, -LN10]],
)
