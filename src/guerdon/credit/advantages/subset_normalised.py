"""Subset-normalised: how much better than others the k-subsets are that hold an answer, where a subset is as good as its best.

    R(S)      = max reward of S                                  S: the k-subsets of the group, each once
    advantage = (mean of R over the S with the answer - mean of R) / (std of R + epsilon)        the same number at each acted step; [B, T], without unit

It is the group-relative advantage of GRPO with subsets in the place of answers, whose members share what it gets. The mean and the
deviation (of the population) over subsets are exact: with sorted rewards each has a binomial weight. A group of fewer than k answers says
nothing: 0; so does one whose subsets are all equally good.

Source: Pass@k training, arXiv 2508.10751, section 2.4 (analytical derivation, for rewards of 0 and 1): right answers get (1 - R) / sigma,
wrong ones (1 - R - C(wrong - 1, k - 1) / C(n - 1, k - 1)) / sigma. What is drawn there as subsets, all of them apart or at random, has this
as its expectation. ``epsilon`` 1e-6: the authors' code (``passk_adv.py``).
Differs from MaxAtK: the deviation of the subsets divides it, so that hard prompts count as much as easy ones; and the mean over subsets
with the answer in them is part of the baseline.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import torch
from torch import Tensor

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.max_at_k import MaxAtK
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.errors import InputError
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import divided, root, spread
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SubsetNormalised:
    k: int
    epsilon: float = 1e-6

    def __post_init__(self):
        if self.k < 1:
            raise InputError(f"SubsetNormalised takes the best of k >= 1 samples, not {self.k}")

    @property
    def members(self) -> int:
        """How many samples a group has to have."""
        return self.k

    def __call__(self, reward: B, group: Group, mask: Mask) -> BT:
        advantage = torch.zeros_like(reward)
        for member in torch.unique(group):
            rows = (group == member).nonzero().squeeze(-1)
            if len(rows) < self.members:
                continue
            ranked, order = reward[rows].sort()
            top, holding = (weights.to(ranked) for weights in _weights(len(rows), self.k))
            mean = top @ ranked
            deviation = root(top @ (ranked - mean) ** 2)
            deviation = torch.where(deviation > 1e-6 * ranked.abs().mean(), deviation + self.epsilon, torch.zeros_like(deviation))
            advantage[rows[order]] = divided(holding @ ranked - mean, deviation.expand(len(rows)))
        return spread(advantage, mask)


@lru_cache(maxsize=256)
def _weights(n: int, k: int) -> tuple[Tensor, Tensor]:
    """[n], how often the j-th lowest of n is the best of a k-subset; [n, n], how often of one that holds the i-th."""
    top = torch.tensor([comb(j, k - 1) / comb(n, k) for j in range(n)], dtype=torch.float64)
    holding = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):
        holding[i, i] = comb(i, k - 1) / comb(n - 1, k - 1)
        for j in range(i + 1, n):  # the best is j, above i: the others are of the j - 1 below it that are not i
            holding[i, j] = comb(j - 1, k - 2) / comb(n - 1, k - 1) if k > 1 else 0.0
    return top, holding


_one_of_three = {"reward": [1.0, 0.0, 0.0], "group": [0, 0, 0], "mask": [[1, 1], [1, 0], [1, 1]]}
witness = (
    Witness(  # of three pairs two hold the right answer: R is 2/3 with the deviation sqrt 2 / 3; a wrong answer is in one pair of each kind
        SubsetNormalised(k=2, epsilon=0.0),
        parent=MaxAtK(k=2),
        given=_one_of_three,
        returns=[[0.5**0.5, 0.5**0.5], [-(2.0**0.5) / 4, 0.0], [-(2.0**0.5) / 4, -(2.0**0.5) / 4]],
    ),
    Witness(
        SubsetNormalised(k=2, epsilon=2.0**0.5 / 3),
        parent=SubsetNormalised(k=2),
        given=_one_of_three,
        returns=[[0.5**0.5 / 2, 0.5**0.5 / 2], [-(2.0**0.5) / 8, 0.0], [-(2.0**0.5) / 8, -(2.0**0.5) / 8]],
    ),
)
limits = (
    Limit(
        SubsetNormalised(k=1, epsilon=0.0),
        equals=GroupCentred(GroupDeviation(epsilon=0.0, correction=0)),
        when="k is 1: GRPO's advantage, with the population's deviation",
    ),
)
