"""Max at k: how much a sample adds to the best of k, as the unbiased gradient of E[max of k] asks for.

    advantage_i = k * (mean of max(S) over k-subsets S of the group that contain i
                       - mean of max(S) over subsets S of ``baseline_size`` of the other samples)
                  / scale                                                     the same number at each acted step; [B, T], in units of reward

A group of fewer samples than that takes (``members``; some of them may have failed) has no such estimate and is passed over: 0.

With the mean over sequences the gradient of REINFORCE is an unbiased estimate of that of E[max of k samples], from n >= k samples. The
baseline does not contain i, so it costs no bias whatever its size; k - 1, the default, makes the advantage what i adds to k - 1 others. The
means over subsets are exact: with sorted rewards each has a binomial weight.

Source: max@k, arXiv 2510.23393, section 3.2: eq. 9, with the weights of eq. 8; PKPO, arXiv 2505.15201, which derived the same estimator
(eq. 19) and baselines: ``baseline_size`` k - 1 is its leave-one-out-minus-one (eq. 33); k is that of its leave-one-out (eq. 29), which
weighs it n / (n - 1) times as much. Their numbers are ours over n, a division that we leave to the reduction. Where k is the size of the
group only its best answer earns anything, k times what it is ahead of the second: with ``scale`` the group's deviation, k times verl's
``grpo_passk`` (arXiv 2503.19595). No paper of these has a scale, so there is none by default.
Differs from LeaveOneOut: risk-seeking for k > 1; a sample below the best of the others earns (next to) nothing. On-policy: for the
off-policy form every subset has an importance ratio of its own.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import torch
from torch import Tensor

from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.scales import Scale
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.errors import InputError
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import divided, spread
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class MaxAtK:
    k: int
    baseline_size: int | None = None  # None: k - 1; 0: no baseline
    scale: Scale | None = None

    def __post_init__(self):
        if self.k < 1 or (self.baseline_size is not None and self.baseline_size < 0):
            raise InputError(
                f"MaxAtK takes the best of k >= 1 samples and a baseline of 0 or more others, not {self.k}, {self.baseline_size}"
            )

    @property
    def members(self) -> int:
        """How many samples a group has to have."""
        return max(self.k, (self.k - 1 if self.baseline_size is None else self.baseline_size) + 1)

    def __call__(self, reward: B, group: Group, mask: Mask) -> BT:
        others = self.k - 1 if self.baseline_size is None else self.baseline_size
        advantage = torch.zeros_like(reward)
        for member in torch.unique(group):
            rows = (group == member).nonzero().squeeze(-1)
            if len(rows) < self.members:
                continue
            ranked, order = reward[rows].sort()
            advantage[rows[order]] = _weights(len(rows), self.k, others).to(ranked) @ ranked
        return spread(advantage if self.scale is None else divided(advantage, self.scale(reward, group)), mask)


@lru_cache(maxsize=256)
def _weights(n: int, k: int, others: int) -> Tensor:
    """[n, n]: how the advantage of the i-th lowest of n samples is made of the sorted rewards."""
    weights = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):  # ranks from 0
        for j in range(n):
            below = j if j < i else j - 1  # samples other than i that rank below j
            if j == i:
                weights[i, j] += k * comb(i, k - 1) / comb(n - 1, k - 1)
                continue
            if j > i and k > 1:
                weights[i, j] += k * comb(below, k - 2) / comb(n - 1, k - 1)
            if others:
                weights[i, j] -= k * comb(below, others - 1) / comb(n - 1, others)
    return weights


_three = {"reward": [3.0, 0.0, 1.0], "group": [0, 0, 0], "mask": [[1, 1], [1, 0], [1, 1]]}
witness = (
    Witness(  # best pair with each: 3, 2 and 2 on average; mean of the others: 1/2, 2 and 3/2
        MaxAtK(k=2),
        parent=LeaveOneOut(),
        given=_three,
        returns=[[5.0, 5.0], [0.0, 0.0], [1.0, 1.0]],
    ),
    Witness(  # best of the two others: 1, 3 and 3
        MaxAtK(k=2, baseline_size=2),
        parent=MaxAtK(k=2),
        given=_three,
        returns=[[4.0, 4.0], [-2.0, 0.0], [-2.0, -2.0]],
    ),
    Witness(  # the best of all four is 9 for each; of three, without it: 3 for the best sample, 9 for the others
        MaxAtK(k=4),
        parent=MaxAtK(k=2),
        given={"reward": [9.0, 0.0, 3.0, 1.0], "group": [0] * 4, "mask": [[1]] * 4},
        returns=[[24.0], [0.0], [0.0], [0.0]],
    ),
    Witness(  # 3 is two ahead of 1, which is counted once for each of k; the deviation is sqrt(7/3)
        MaxAtK(k=3, scale=GroupDeviation(epsilon=0.0)),
        parent=MaxAtK(k=3),
        given=_three,
        returns=[[6 * (3 / 7) ** 0.5] * 2, [0.0, 0.0], [0.0, 0.0]],
    ),
)

limits = (
    Limit(MaxAtK(k=1, baseline_size=1), equals=LeaveOneOut(), when="k is 1 and groups are pairs"),
    Limit(MaxAtK(k=1, baseline_size=1, scale=GroupDeviation()), equals=LeaveOneOut(GroupDeviation()), when="k is 1 and groups are pairs"),
)
