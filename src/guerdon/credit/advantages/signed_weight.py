"""Signed weight: praise for right answers and blame for wrong ones, each with a weight of its own.

    advantage = positive where reward > threshold, else -negative        the same number at each acted step; [B, T], without unit

``SignedWeight(1, 0)`` reinforces only right answers (PSR), ``SignedWeight(0, 1)`` only punishes wrong ones (NSR), and the default
(weighted REINFORCE) punishes ten times as much as it praises. Only on which side of the threshold a reward lies is read, so verdicts of
+1 and -1 and of 1 and 0 mean the same.

Source: Zhu et al. 2025, arXiv 2506.01347: the decomposition into PSR and NSR, and weighted REINFORCE (eq. 9) with lambda = 0.1 for the positive part.
Differs from GroupCentred: no baseline, so that what is learned from a right answer does not depend on the others; on-policy samples only.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.quantities import BT, B, Mask
from guerdon.steps import spread
from guerdon.thresholds import exceeds
from guerdon.witness import Witness


@dataclass(frozen=True)
class SignedWeight:
    positive: float = 0.1
    negative: float = 1.0
    threshold: float = 0.0

    def __call__(self, reward: B, mask: Mask) -> BT:
        right = torch.full_like(reward, self.positive)
        return spread(torch.where(exceeds(reward, self.threshold), right, -torch.full_like(reward, self.negative)), mask)


_verdicts = {"reward": [1.0, -1.0, 0.0], "mask": [[1, 1], [1, 0], [1, 1]]}
witness = (
    Witness(
        SignedWeight(),
        parent=GroupCentred(scale=None),  # which cannot do without a group
        given=_verdicts,
        returns=[[0.1, 0.1], [-1.0, 0.0], [-1.0, -1.0]],
    ),
    Witness(
        SignedWeight(positive=1.0, negative=0.0),
        parent=SignedWeight(positive=1.0),
        given=_verdicts,
        returns=[[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]],
    ),
    Witness(
        SignedWeight(threshold=-0.5),
        parent=SignedWeight(),
        given=_verdicts,
        returns=[[0.1, 0.1], [-1.0, 0.0], [0.1, 0.1]],
    ),
)
