"""Policies: what a reward asks for within a budget of KL from the reference, by the KL itself or another divergence, exactly.

A policy is written as a function of how hard it pushes, ``strength`` (1 / beta), and the strength is found, context by context, at which KL(policy || reference) is the budget.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

HALVINGS = 50
STRENGTHS = (1e-4, 1e6)


def kl(policy: Tensor, reference: Tensor) -> Tensor:
    """[...], of policies [..., A]."""
    return torch.special.xlogy(policy, policy / reference).sum(-1)


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
    return lambda strength: (reference.log() + strength * reward).softmax(-1)


def by_chi_squared(reward: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """reference * max(0, 1 + strength * (reward - level)): E[reward] with half the chi-squared divergence."""
    return lambda strength: _normalised(lambda level: reference * (1 + strength * (reward - level)).clamp(min=0), reward, 1 / strength)


def by_forward_kl(reward: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """reference / (strength * (level - reward)): E[reward] with KL(reference || policy)."""
    top = reward.amax(-1, keepdim=True)
    return lambda strength: _normalised(lambda above: reference / (strength * (top + above.exp() - reward)), None, 1 / strength)


def by_uncertain_kl(reward: Tensor, variance: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """reference * exp(strength * (reward - level) / variance - 1): E[reward] with the KL weighed, answer by answer, by how uncertain its reward is."""
    return lambda strength: _normalised(
        lambda level: reference * (strength * (reward - level) / variance - 1).clamp(max=300).exp(),
        reward,
        variance.amax(-1, keepdim=True) / strength,
    )


def at_mean(reward: Tensor, cost: Tensor, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """As by the KL, of reward - multiplier * cost, with the multiplier at which the mean of the cost is what it is under the reference."""
    budget = (reference * cost).sum(-1, keepdim=True)

    def policy(strength: Tensor) -> Tensor:
        low, high = torch.full_like(strength, -50.0), torch.full_like(strength, 50.0)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            found = (reference.log() + strength * (reward - middle * cost)).softmax(-1)
            over = (found * cost).sum(-1, keepdim=True) > budget
            low, high = torch.where(over, middle, low), torch.where(over, high, middle)
        return found

    return policy


def _normalised(unnormalised: Callable[[Tensor], Tensor], reward: Tensor | None, width: Tensor) -> Tensor:
    """``unnormalised`` of the level at which it sums to 1; the sum falls as the level rises. The level lies within ``width`` and a bit of the rewards; without them it is the
    logarithm of how far above the highest reward."""
    if reward is None:
        low, high = width.clamp(max=1e-12).log() - 30, width.log() + 30
    else:
        low = (reward.amin(-1, keepdim=True) - 2 * width).expand_as(width) - 1
        high = (reward.amax(-1, keepdim=True) + 2 * width).expand_as(width) + 1
    for _ in range(HALVINGS + 10):
        middle = (low + high) / 2
        over = unnormalised(middle).sum(-1, keepdim=True) > 1
        low, high = torch.where(over, middle, low), torch.where(over, high, middle)
    found = unnormalised(high)
    return found / found.sum(-1, keepdim=True)
