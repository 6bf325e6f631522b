"""Policies: what a reward asks for within a budget of KL from the reference, by the KL itself or another divergence, exactly.

A policy is written as a function of how hard it pushes, ``strength`` (1 / beta), and the strength is found, context by context, at which KL(policy || reference) is the budget.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from guerdon.evaluation.metrics.exact_kl import ExactKL
from guerdon.exact.solvers.chi_squared_optimum import ChiSquaredOptimum
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.exact.solvers.weighted_kl_optimum import WeightedKLOptimum

HALVINGS = 34  # of some twenty units of a logarithm: to a billionth
STRENGTHS = (1e-4, 1e6)


def kl(policy: Tensor, reference: Tensor) -> Tensor:
    """[...], of policies [..., A]."""
    return torch.from_numpy(ExactKL()(policy.numpy(), reference.numpy()))


def within(budgets: Sequence[float], reference: Tensor, policy: Callable[[Tensor], Tensor]) -> Tensor:
    """[P, C, A]: ``policy`` of strengths [P, C, 1], at the strengths where its KL is each of the budgets [P] (or where no strength gives as much: as hard as it can)."""
    wanted = torch.tensor(budgets, dtype=torch.float64).view(-1, 1)
    low, high = (torch.full((len(budgets), len(reference), 1), s, dtype=torch.float64).log() for s in STRENGTHS)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        over = (kl(policy(middle.exp()), reference) > wanted).unsqueeze(-1)
        low, high = torch.where(over, low, middle), torch.where(over, middle, high)
    return policy(low.exp())


def by_kl(reward: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """reference * exp(strength * reward) / Z: E[reward] with KL(policy || reference)."""
    return lambda strength: KLRegularisedOptimum()(strength * reward, reference)["policy"]


def by_chi_squared(reward: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """reference * max(0, 1 + strength * (reward - level)): E[reward] with half the chi-squared divergence."""
    return lambda strength: ChiSquaredOptimum(0.5)(strength * reward, reference)["policy"]


def by_forward_kl(reward: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """reference / (strength * (level - reward)): E[reward] with KL(reference || policy)."""
    top = reward.amax(-1, keepdim=True)

    def policy(strength: Tensor) -> Tensor:
        """The sum falls as the level rises; what is sought is the logarithm of how far above the highest reward it lies."""
        low, high = (1 / strength).clamp(max=1e-12).log() - 30, (1 / strength).log() + 30
        for _ in range(HALVINGS + 10):
            middle = (low + high) / 2
            over = (reference / (strength * (top + middle.exp() - reward))).sum(-1, keepdim=True) > 1
            low, high = torch.where(over, middle, low), torch.where(over, high, middle)
        found = reference / (strength * (top + high.exp() - reward))
        return found / found.sum(-1, keepdim=True)

    return policy


def by_uncertain_kl(reward: Tensor, variance: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """reference * exp(strength * (reward - level) / variance - 1): E[reward] with the KL weighed, answer by answer, by how uncertain its reward is."""
    return lambda strength: WeightedKLOptimum()(strength * reward, reference, variance)["policy"]


def at_mean(reward: Tensor, cost: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """As by the KL, of reward - multiplier * cost, with the multiplier at which the mean of the cost is what it is under the reference."""
    budget = (reference * cost).sum(-1, keepdim=True)

    def policy(strength: Tensor) -> Tensor:
        low, high = torch.full_like(strength, -50.0), torch.full_like(strength, 50.0)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            found = by_kl(reward - middle * cost, reference)(strength)
            over = (found * cost).sum(-1, keepdim=True) > budget
            low, high = torch.where(over, middle, low), torch.where(over, high, middle)
        return found

    return policy
