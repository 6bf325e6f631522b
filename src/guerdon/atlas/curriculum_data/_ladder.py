"""What experiments about where data come from share: problems from easy to hard, a policy that carries steps over from one to the other, and what it is like, exactly."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.ladder import Ladder

GRPO = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())


def world_of(seed: int) -> Ladder:
    return Ladder(seed=derive(seed, "ladder"))


def start(world: Ladder, seed: int) -> TablePolicy:
    """A policy with preferences of its own on every problem, which shares what it learns between problems of a kind."""
    return SharedShift(world.contexts, world.kinds, world.vocabulary, world.depth, own=0.3, shared=0.5, seed=seed).build()


def practised(
    policy: TablePolicy, world: Ladder, recipe: Recipe, rounds: int, seed: int, prompts: int = 10, rows: Sequence[Any] | None = None
) -> list[Mapping[str, float]]:
    """The history of so many rounds; the policy is changed."""
    rows = world.train() if rows is None else rows
    budget = Budget(rounds, batch_size=min(prompts, len(rows)), seed=seed)
    return improve(policy, FiniteScene(world), rows, recipe, budget, Decoding(world.depth)).history[1:]


@torch.no_grad()
def measured(policy: TablePolicy, world: Ladder) -> dict[str, Any]:
    """Success over all problems and over the hardest ones, pass@16, and the entropy of answers, in nats."""
    rate, logp = policy.expect(world.rewards()), policy.log_probabilities()
    return {
        "accuracy": float(rate.mean()),
        "accuracy, hardest": float(rate[world.level == world.depth].mean()),
        "pass@16": float((1 - (1 - rate) ** 16).mean()),
        "entropy": float(-(logp.exp() * logp).sum(-1).mean()),
    }
