"""What experiments about exploration share: a bandit whose best answer the reference hardly ever gives, and rounds of asking and fitting in it."""

from collections.abc import Callable

import torch
from torch import Tensor

from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tabular import Tabular
from guerdon.randomness import derive, generator
from guerdon.training.recipe import Term

ANSWERS, COVERED, BEST, PRIOR = 10, 0.005, 2.0, 2.0


def hidden_best(seed: int, beta: float) -> ComparisonWorld:
    """Ten answers with rewards from N(0, 0.09), but for the last, which is worth 2 and has a probability of 0.005 in the reference; the others' logits are from N(0, 1/4)."""
    rng = generator(seed, "bandit")
    reward = 0.3 * torch.randn(ANSWERS, dtype=torch.float64, generator=rng)
    reward[-1] = BEST
    others = (0.5 * torch.randn(ANSWERS - 1, dtype=torch.float64, generator=rng)).softmax(-1) * (1 - COVERED)
    logits = torch.cat([others, torch.tensor([COVERED], dtype=torch.float64)]).log().tolist()
    return ComparisonWorld(reward, lambda: Tabular(1, ANSWERS, logits=(tuple(logits),)).build(), beta)


def dpo(beta: float) -> tuple[Term, ...]:
    return (Term(Pairwise(LogRatio(beta), Logistic())),)


def explored(
    world: ComparisonWorld, rounds: int, ask: Callable[[Tensor, int], Tensor], fit: Callable[[TablePolicy, Tensor], TablePolicy], seed: int
) -> list[Tensor]:
    """The policy before each round and after the last, [S] each. ``ask(policy, seed)`` gives the comparisons [n, 2] of a round, ``fit(policy, all so far)`` the next
    policy."""
    policy, asked = world.start(), torch.zeros(0, 2, dtype=torch.long)
    path = [policy.probabilities(0).detach()]
    for round in range(rounds):
        asked = torch.cat([asked, ask(path[-1], derive(seed, "round", round))])
        policy = fit(policy, asked)
        path.append(policy.probabilities(0).detach())
    return path


def pushed(
    world: ComparisonWorld,
    policy: TablePolicy,
    pairs: Tensor,
    weight: float,
    calibrating: Tensor,
    reference: TablePolicy,
    steps: int = 60,
    prior: float = PRIOR,
) -> TablePolicy:
    """``policy`` at the minimum of DPO's mean loss on the pairs plus ``weight`` times the expectation of log policy under ``calibrating`` [S].

    Few comparisons are explained best by an infinite reward; a prior N(0, prior^2) on every implicit reward keeps them finite, as the theory does by a bound.
    """
    anchor = reference.log_probabilities()[0].detach()

    def penalty() -> Tensor:
        logp = policy.log_probabilities()[0]
        unlikely = (world.beta * (logp - anchor)).square().sum() / (2 * prior**2 * len(pairs))
        return unlikely + weight * (calibrating * logp).sum()

    minimise(policy, dpo(world.beta), world.counted(pairs), reference, steps, penalty=penalty)
    return policy


def summary(world: ComparisonWorld, path: list[Tensor], per_round: int) -> dict:
    """``regret`` summed over rounds, at the end, and ``queries`` until the best answer has half of the probability that the optimum gives it (all, if it never has)."""
    best = world.objective(world.optimum)
    regrets = [best - world.objective(policy) for policy in path]
    wanted = float(world.optimum[-1]) / 2
    found = next((n for n, policy in enumerate(path) if float(policy[-1]) >= wanted), len(path) - 1)
    return {"cumulative regret": sum(regrets[1:]) / (len(path) - 1), "final regret": regrets[-1], "queries": float(found * per_round)}
