"""What the experiments of credit assignment share: answers of which a few steps decide, the exact advantage of every step, and training in them.

    reward(y) = 1 if y says the right thing at each of the ``decisive`` places, else 0        the places and what is right there are drawn for each prompt

All else may be said in any way, so a step's worth is known by enumeration: Q(prefix, step) - V(prefix) under a given policy.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas._text import Along
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class Decisive(EnumerableWorld):
    contexts: int = 8
    vocabulary: int = 3
    depth: int = 6
    decisive: int = 2
    seed: int = 0

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, self.depth)

    def right(self) -> tuple[Tensor, Tensor]:
        """[C, decisive] each: the places, in their order, and what is right there."""
        rng = generator(self.seed, "decisive")
        places = torch.stack([torch.randperm(self.depth, generator=rng)[: self.decisive].sort().values for _ in range(self.contexts)])
        return places, torch.randint(0, self.vocabulary, places.shape, generator=rng)

    def progress(self) -> Tensor:
        """[C, S, depth], 1 at a decisive place at which the right thing is said, if it was at those before too; 0 elsewhere."""
        places, right = self.right()
        said = self.tree.actions[:, places] == right  # [S, C, decisive]
        made = said.long().cumprod(-1).double().transpose(0, 1)
        return torch.zeros(self.contexts, self.tree.size, self.depth, dtype=torch.float64).scatter_add(
            -1, places.unsqueeze(1).expand(-1, self.tree.size, -1), made
        )

    def rewards(self) -> Tensor:
        places, right = self.right()
        return (self.tree.actions[:, places] == right).all(-1).double().T.contiguous()


def advantages(policy: TablePolicy, rewards: Tensor) -> Tensor:
    """[C, P, V], what every step is worth more than its prefix, under the policy; sequences of one length."""
    tree, worth, out = policy.tree, rewards, []
    steps = policy.logits.detach().softmax(-1)
    for t in reversed(range(tree.depth)):
        first = sum(tree.vocabulary**k for k in range(t))
        q = worth.reshape(len(rewards), -1, tree.vocabulary)
        worth = (steps[:, first : first + tree.vocabulary**t] * q).sum(-1)
        out.append(q - worth.unsqueeze(-1))
    return torch.cat(out[::-1], 1)


def at(table: Tensor, policy: TablePolicy, rollouts: Sequences) -> Tensor:
    """[B, T], the entry of [C, P, V] for each step."""
    where = torch.cat(rollouts.contexts)[rollouts.context].unsqueeze(-1)
    return table[where, policy.tree.nodes(rollouts.actions), rollouts.actions]


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson's; 0 where one does not vary."""
    a, b = first - first.mean(), second - second.mean()
    norm = float((a.square().sum() * b.square().sum()).sqrt())
    return float((a * b).sum()) / norm if norm > 1e-12 else 0.0


class Counting(TablePolicy):
    """Counts the steps that are drawn of it."""

    drawn = 0

    def sample(self, *asked: Any) -> Sequences:
        found = super().sample(*asked)
        self.drawn += int(found.length.sum())
        return found


def trained(
    method: Recipe,
    world: EnumerableWorld,
    seed: int,
    stops: tuple[int, ...],
    deviation: float = 1.0,
    scene: Any = None,
    look: Any = None,
    **more: Any,
) -> dict[str, Any]:
    """``reward``, expected and exact, and ``tokens`` drawn so far, before training and after so many steps on all prompts; what ``look`` says
    of the policy; and the ``policy`` that came of it."""
    start = world.policy(deviation, derive(seed, "policy")).build()
    policy, rewards = Counting(start.tree, start.logits), world.rewards()
    along = Along(
        stops,
        lambda: {
            "reward": float(policy.expect(rewards).detach().mean()),
            "tokens": float(policy.drawn),
            **(look(policy) if look is not None else {}),
        },
    )
    budget = Budget(steps=max(stops), batch_size=world.contexts, seed=derive(seed, "training"))
    improve(policy, scene or FiniteScene(world), world.train(), method, budget, Decoding(world.tree.depth), display=along, **more)
    return {**along.curves, "policy": policy}
