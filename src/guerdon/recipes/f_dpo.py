"""f-DPO: DPO where the policy is held to the reference by another divergence, here Jensen and Shannon's.

Source: f-DPO, arXiv 2309.16240 (TRL's ``f_divergence_type="js_divergence"``). Its others are ``score: alpha_divergence``, of which, with the paper's
alpha, 1 is the forward KL and 0 is DPO (TRL counts from the other end). ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the reward of an answer is bounded above, so that no answer is worth making arbitrarily likely.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.alpha_divergence import AlphaDivergence
from guerdon.losses.scores.jensen_shannon import JensenShannon
from guerdon.targets import Optimum, Target
from guerdon.targets.offline import Compared, Pairs
from guerdon.targets.seen import Said
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(JensenShannon(beta=0.1), Logistic())),), AdamW(learning_rate=1e-6))


def _reward(said: Said) -> Tensor:
    likelier = said.ratio.exp()
    return 0.1 * (2 * likelier / (1 + likelier)).log()  # the derivative of Jensen and Shannon's f


def _held(derivative_at: Callable[[Tensor], Tensor], bound: float, reference: Tensor, reward: Tensor) -> Tensor:
    """The policy that maximises E[reward] - 0.1 D_f: its ratio to the reference is where f' is (reward - c) / 0.1, below its ``bound``; c is found by halving."""
    low, high = float(reward.max()) - 0.1 * bound, float(reward.max()) + 10
    for _ in range(200):
        c = (low + high) / 2
        policy = reference * derivative_at((reward - c) / 0.1)
        low, high = (c, high) if float(policy.sum()) > 1 else (low, c)
    return policy / policy.sum()


_alpha = replace(recipe, terms=(Term(Pairwise(AlphaDivergence(alpha=0.7, beta=0.1), Logistic())),))

target = (
    Target(
        "- log sigmoid(r(chosen) - r(rejected)),   r = 0.1 log(2 u / (1 + u)),   u = policy / reference",
        lambda d: -logsigmoid(_reward(d.chosen) - _reward(d.rejected)).mean(),
        Pairs(),
    ),
    Optimum(
        "E[reward] - 0.1 Jensen-Shannon divergence of policy and reference, f'(u) = log(2 u / (1 + u))",
        lambda reference, reward: _held(lambda z: z.exp() / (2 - z.exp()), math.log(2), reference, reward),
        Compared(),
    ),
    Optimum(
        "E[reward] - 0.1 alpha divergence at 0.7, nearer to the forward KL than to the reverse, f'(u) = (1 - u^-0.7) / 0.7",
        lambda reference, reward: _held(lambda z: (1 - 0.7 * z) ** (-1 / 0.7), 1 / 0.7, reference, reward),
        Compared(),
        recipe=_alpha,
    ),
)
