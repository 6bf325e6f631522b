"""Target ratio: how much more likely the target distribution makes a sequence than the policy that drew it.

    log P     = sum over acted steps of ref_logp + reward / beta          the target, up to its normaliser Z
    ratio     = exp(log P - sum over acted steps of old_logp) / Z
    advantage = ratio - baseline        the same number at each acted step; [B, T], without unit

With REINFORCE it is distributional policy gradient: the expected gradient over samples of ``old`` is that of KL(target || policy), the
*forward* KL, so the policy is fitted to the posterior p* ~ ref exp(reward / beta) that a KL-penalised reward has as its optimum, from the
other side. Z is ``exp(log_normaliser)`` where it is known; otherwise the mean of the unnormalised ratios over the group, which makes the
ratios of a group average 1 (self-normalised importance sampling: biased by the order of 1/n). Reward of -inf excludes a sequence from the
target.

The target needs no quantity of its own: it is given by ``ref_logp`` and ``reward``. A target whose log-probability is known at each step
is the case of reward 0 with that model bound as ``ref``.

Source: DPG and GDC, arXiv 2012.11635, algorithm 1; the target of KL-penalised RL, arXiv 2205.11275; the baseline of 1 (on-policy only),
arXiv 2206.00761. ``baseline`` 0 is GDC's.
Differs from GroupCentred: never negative without a baseline, and right for samples of any policy whose ``old_logp`` is that of the
distribution that was sampled from (with its temperature). Unbounded: a sequence that the sampler finds unlikely has a huge
ratio; beyond e^20 it grows in proportion to its logarithm (``guerdon.exponentials``).
"""

from dataclasses import dataclass

import torch

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.exponentials import exp
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import group_size, group_sum, spread, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class TargetRatio:
    beta: float
    log_normaliser: float | None = None  # None: estimated on each group
    baseline: float = 0.0

    def __call__(self, reward: B, ref_logp: BT, old_logp: BT, group: Group, mask: Mask) -> BT:
        log_ratio = reward / self.beta + total(ref_logp - old_logp, mask)
        if self.log_normaliser is None:
            log_ratio = log_ratio - _group_max(log_ratio, group)
            ratio = log_ratio.exp()
            ratio = ratio * group_size(group) / group_sum(ratio, group).clamp(min=torch.finfo(ratio.dtype).tiny)
        else:
            ratio = exp(log_ratio - self.log_normaliser)
        return spread(ratio - self.baseline, mask)


def _group_max(x: B, group: Group) -> B:
    members, inverse = torch.unique(group, return_inverse=True)
    largest = torch.full((len(members),), -torch.inf, dtype=x.dtype, device=x.device).scatter_reduce(0, inverse, x, "amax")
    return torch.where(largest.isfinite(), largest, torch.zeros_like(largest))[inverse]


LN2 = 0.6931471805599453
LN3 = 1.0986122886681098
_pair = {  # unnormalised ratios exp(0 + ln 2) = 2 and exp(ln 3 + ln 2 - 0) = 6 at beta = 2
    "reward": [0.0, 2 * LN3],
    "ref_logp": [[-1.0, 0.0], [-1.0, 0.0]],
    "old_logp": [[-1.0 - LN2, 5.0], [-1.0, -LN2]],
    "group": [0, 0],
    "mask": [[1, 0], [1, 1]],
}
witness = (
    Witness(TargetRatio(beta=2.0), parent=GroupCentred(scale=None), given=_pair, returns=[[0.5, 0.0], [1.5, 1.5]]),
    Witness(TargetRatio(beta=2.0, log_normaliser=LN2), parent=TargetRatio(beta=2.0), given=_pair, returns=[[1.0, 0.0], [3.0, 3.0]]),
    Witness(TargetRatio(beta=2.0, baseline=1.0), parent=TargetRatio(beta=2.0), given=_pair, returns=[[-0.5, 0.0], [0.5, 0.5]]),
)
