"""Decorrelating shares: how much of one quality's score has to be taken off each of the others, so that they no longer rise with it.

    share_k = the first s of 0, 0.01, 0.025, 0.05, 0.075 ... 0.15, 0.2, 0.25 ... 0.95 with  rank correlation(score_k - s score_of, score_of) <= threshold;  1 where none is enough
    share_of = 1                                                                                                [K]

Scores are those of many answers, [N, K], by a model of several qualities; the shares are what the head ``gated_attributes`` takes off. A
quality that falls with the other one is left as it is.

Source: ArmoRM, Wang et al. 2024, arXiv 2406.12845, and its authors' code (RLHF-Reward-Modeling, ``armo-rm/stage-2_train.py``): the steps,
the threshold of 0.03, verbosity the fifth of their attributes. The paper writes one share for each attribute that makes the correlation 0;
the search is the code's.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from guerdon.errors import InputError
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.witness import Witness

STEPS = (0.0, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, *(i / 100 for i in range(20, 100, 5)))


@dataclass(frozen=True)
class DecorrelatingShares:
    of: int = 4
    threshold: float = 0.03

    def __call__(self, attribute_score: Float[Tensor, "N K"]) -> Float[Tensor, " K"]:
        """
        Raises:
            InputError: there is no such quality, or there are fewer than two answers.
        """
        answers, qualities = attribute_score.shape
        if not 0 <= self.of < qualities or answers < 2:
            raise InputError(
                f"decorrelating_shares.of is {self.of}; give the index of one of the {qualities} qualities, and the scores of two answers or more, not {answers}"
            )
        score, ranks = attribute_score.double(), RankCorrelation()
        taken, shares = score[:, self.of], torch.ones(qualities, dtype=torch.float64)
        for k in set(range(qualities)) - {self.of}:
            enough = (s for s in STEPS if not ranks(score[:, k] - s * taken, taken) > self.threshold)
            shares[k] = next(enough, 1.0)
        return shares


_made = [[0.0, 2.0, 0.0], [1.0, 1.0, 1.0], [2.0, 3.0, 2.0], [3.0, 0.0, 3.0]]  # the second falls with the first, the third is the first
_mixed = [
    [0.0, 0.4],
    [1.0, 0.0],
    [2.0, 1.1],
    [3.0, 0.9],
]  # of ranks 2, 1, 4, 3: 0.6; less 0.35 of the first 0.4, -0.35, 0.4, -0.15: 3.5, 1, 3.5, 2
witness = (
    Witness(DecorrelatingShares(of=0), given={"attribute_score": torch.tensor(_made)}, returns=[1.0, 0.0, 1.0]),
    Witness(
        DecorrelatingShares(of=0, threshold=0.7),
        parent=DecorrelatingShares(of=0),
        given={"attribute_score": torch.tensor(_mixed)},
        returns=[1.0, 0.0],
    ),
    Witness(
        DecorrelatingShares(of=1), parent=DecorrelatingShares(of=0), given={"attribute_score": torch.tensor(_made)}, returns=[0.0, 1.0, 0.0]
    ),
)
