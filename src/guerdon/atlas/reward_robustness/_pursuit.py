"""What policies come to that pursue a reward with a penalty: with one strength for all contexts, at the same mean KL from the reference for everyone.

A monotone change of a reward changes nothing in a ranking and much here: who is rewarded less for what is good already spends less KL on it, in one context and between contexts.
"""

import math
from collections.abc import Callable, Sequence

import torch
from scipy.optimize import brentq
from torch import Tensor

from guerdon.atlas.reward_robustness._proxies import Bought
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.randomness import generator
from guerdon.worlds.finite.exploitable import Exploitable

LOGS = (-9.0, 9.0)  # between which the logarithm of a penalty's weight is sought
CLOSE = 1e-5  # of the logarithm


def at_kl(optimum: Callable[[float], Tensor], world: Exploitable, budgets: Sequence[float]) -> Bought:
    """The policies [C, A] that ``optimum`` of a weight gives, at the weights at which the mean over contexts of their KL from the reference is each budget; where no weight goes
    so far, at the least."""
    reference = world.reference()

    def far(log_weight: float) -> float:
        return float(distance(optimum(math.exp(log_weight)), reference).mean())

    farthest, policies = far(LOGS[0]), []
    for budget in budgets:
        if budget >= farthest:
            policies.append(optimum(math.exp(LOGS[0])))
        else:
            policies.append(optimum(math.exp(brentq(lambda log_weight, budget=budget: far(log_weight) - budget, *LOGS, xtol=CLOSE))))
    return Bought(budgets, policies)


def pursued(reward: Tensor, world: Exploitable, budgets: Sequence[float]) -> Bought:
    """Of the policies that maximise E[reward] - beta KL, those whose mean KL is each budget."""
    reference = world.reference()
    return at_kl(lambda beta: KLRegularisedOptimum(beta)(reward, reference)["policy"], world, budgets)


def distance(policy: Tensor, reference: Tensor) -> Tensor:
    """[C], KL in nats."""
    return (policy * (policy.clamp(min=1e-300) / reference).log()).sum(-1)


def references(world: Exploitable, proxy: Tensor, count: int, seed: int) -> Tensor:
    """[count, C, A], what the proxy says of so many answers to each context that the reference gave: the same for all answers to a context."""
    drawn = torch.multinomial(world.reference(), count, replacement=True, generator=generator(seed, "reference answers"))
    return proxy.gather(1, drawn).T.unsqueeze(-1).expand(-1, -1, world.answers)
