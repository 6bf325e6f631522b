"""OREAL, its theory: with rewards of 0 and 1, to imitate the right answers among many is to learn the policy that a KL-regularised reward
asks for.

World: 256 problems, each with 64 answers and a base policy that has preferences of its own (``atlas._approaches``); problems of which the
base solves none or all are left out. All sums are over all answers; a seed is another world. Nothing is learned: what an imitator with a
table of its own per problem would come to is its distribution.

Arms, for N = 2, 8 and 32 answers of which the best is imitated (a right one, if there is one): "own beta" compares with the policy that
maximises reward less beta KL, where beta is for each problem that at which both are right as often; "one beta" has the same beta for all
problems, that at which both are right as often on average; "graded" is "own beta" where an answer's reward is uniform on 0 to 1 in the
place of 0 or 1. "right ones" imitates nothing but right answers, and is compared with the optimum of beta =
0.02, at all N alike.

Measured: "distance", the total variation between the two policies, on average over problems.

Claimed: own beta and right ones are within 1e-6 of the optimum: the theorem; graded is farther away (by 0.01), so that it is not true of
any reward; and one beta for all problems, which is how a KL-regularised objective is written, is within 0.01 too.

Source: Lyu et al. 2025, arXiv 2502.06781: the abstract and the authors' configuration files. Waits: negatives reshaped by the pass rate
and a reward model of tokens, with which the paper's policies were trained, are not there. Chosen here: the distances.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas._approaches import Practice
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.randomness import generator

system = System(
    title="Exploring the Limit of Outcome Reward for Learning Mathematical Reasoning",
    link="https://arxiv.org/abs/2502.06781",
    kind="method",
    builds_on=("best-of-n", "KL-regularised optimum"),
    read="abstract",
    untuned="exact solutions",
    waits_for="negatives reshaped by the pass rate, and a reward model of tokens",
)
NUMBERS = (2, 8, 32)
claim = AllOf(
    *(EqualTo(arm, 0.0, on="distance", at="every", tolerance=1e-6) for arm in ("own beta", "right ones")),
    BetterThan("graded", 0.01, on="distance", at="every"),
    EqualTo("one beta", 0.0, on="distance", at="every", tolerance=0.01),
)
SEEDS = {"smoke": 1, "full": 8}


def experiment(seed: int, scale: str) -> dict:
    practice = Practice(seed, 0, problems=32 if scale == "smoke" else 256)
    base, right = practice.policy().log_probabilities().detach().exp(), practice.world.rewards()
    mixed = (right.sum(-1) > 0) & (right.sum(-1) < right.shape[1])
    base, right = base[mixed], right[mixed]
    graded = torch.rand(right.shape, dtype=torch.float64, generator=generator(seed, "graded"))
    cloned = base * right / (base * right).sum(-1, keepdim=True)
    cold = distance(cloned, KLRegularisedOptimum(0.02)(right, base)["policy"])
    found = {arm: {"distance": {}} for arm in ("own beta", "one beta", "graded", "right ones")}
    for n in NUMBERS:
        best, best_graded = best_of(base, right, n), best_of(base, graded, n)
        found["own beta"]["distance"][n] = distance(best, optimum(base, right, best, together=False))
        found["one beta"]["distance"][n] = distance(best, optimum(base, right, best, together=True))
        found["graded"]["distance"][n] = distance(best_graded, optimum(base, graded, best_graded, together=False))
        found["right ones"]["distance"][n] = cold
    return found


def best_of(base: Tensor, reward: Tensor, n: int) -> Tensor:
    """[C, S], how often each answer is the best of ``n``; of equal ones each as often as the base gives it."""
    below = ((reward.unsqueeze(-2) < reward.unsqueeze(-1)) * base.unsqueeze(-2)).sum(-1)
    level = ((reward.unsqueeze(-2) == reward.unsqueeze(-1)) * base.unsqueeze(-2)).sum(-1)
    return base / level * ((below + level) ** n - below**n)


def optimum(base: Tensor, reward: Tensor, like: Tensor, together: bool) -> Tensor:
    """[C, S], the policy with a KL penalty that gets as much reward as ``like``, on each problem or on average: by bisection over 1 / beta."""
    wanted = (like * reward).sum(-1, keepdim=True)
    low, high = torch.zeros_like(wanted), torch.full_like(wanted, 1e4)

    def tilted(inverse: Tensor) -> Tensor:
        return (base.log() + inverse * reward).softmax(-1)

    for _ in range(200):
        middle = (low + high) / 2
        more = (tilted(middle) * reward).sum(-1, keepdim=True) - wanted
        less = (more.mean() if together else more) < 0
        low, high = torch.where(less, middle, low), torch.where(less, high, middle)
    return tilted((low + high) / 2)


def distance(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().sum(-1).mean() / 2)
