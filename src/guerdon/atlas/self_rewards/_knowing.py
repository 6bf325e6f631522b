"""What the experiments of self-made rewards share: a policy that knows some answers and is sure of some that are wrong.

A question is answered by a reasoning and a conclusion, one of ``vocabulary`` each. In the policy at the start every reasoning leans to one
conclusion, which is the right one in a share ``sense`` of them; how strongly it leans is 1 + |z| logits, and ``edge`` more where it is right. So
whoever is sure is right oftener than not, and not always: on some questions the likeliest conclusion is wrong, and a policy that is rewarded by
itself can become sure of it.

    reward(x, (r, a)) = 1 if a is the answer to x, else 0        whatever the reasoning

``wordings``: a question is asked in so many, which share its answer and a part of what the policy makes of it: logits are sqrt(shared) times common
ones plus sqrt(1 - shared) times their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas._text import Along
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class Knowing(EnumerableWorld):
    questions: int = 32
    wordings: int = 1
    vocabulary: int = 4
    sense: float = 0.5
    edge: float = 0.5
    shared: float = 0.5
    seed: int = 0

    @property
    def contexts(self) -> int:
        return self.questions * self.wordings

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, 2)

    def answer(self) -> Tensor:
        """[C], the right conclusion; the wordings of a question lie next to each other."""
        drawn = torch.randint(0, self.vocabulary, (self.questions,), generator=generator(self.seed, "knowing", "answers"))
        return drawn.repeat_interleave(self.wordings)

    def rewards(self) -> Tensor:
        return (self.tree.actions[:, 1] == self.answer().unsqueeze(-1)).double()

    def start(self) -> TablePolicy:
        """The policy that knows some of it."""
        parts = [self._logits(1, "common"), self._logits(self.wordings, "own")]
        common = parts[0].repeat_interleave(self.wordings, 0)
        mixed = common if self.wordings == 1 else self.shared**0.5 * common + (1 - self.shared) ** 0.5 * parts[1]
        return TablePolicy(self.tree, mixed)

    def _logits(self, each: int, what: str) -> Tensor:
        """[questions * each, P, V]"""
        count, rng = self.questions * each, generator(self.seed, "knowing", what)
        answer = self.answer()[:: self.wordings].repeat_interleave(each).unsqueeze(-1)
        right = torch.rand(count, self.vocabulary, generator=rng, dtype=torch.float64) < self.sense
        other = (answer + 1 + torch.randint(0, self.vocabulary - 1, right.shape, generator=rng)) % self.vocabulary
        lean = 1 + torch.randn(right.shape, generator=rng, dtype=torch.float64).abs() + self.edge * right
        conclusions = torch.zeros(*right.shape, self.vocabulary, dtype=torch.float64)
        conclusions = conclusions.scatter(-1, torch.where(right, answer, other).unsqueeze(-1), lean.unsqueeze(-1))
        reasonings = torch.randn(count, 1, self.vocabulary, generator=rng, dtype=torch.float64)
        return torch.cat([reasonings, conclusions], 1)

    def rows(self) -> list[dict[str, int]]:
        """The questions, with what they are a wording of."""
        return [{"prompt": i, "twin": i // self.wordings} for i in range(self.contexts)]


def conclusions(policy: TablePolicy) -> Tensor:
    """[C, V], how likely each conclusion is, the reasoning summed out."""
    return policy.log_probabilities().detach().exp().unflatten(-1, (policy.tree.vocabulary,) * 2).sum(1)


def measured(policy: TablePolicy, world: Knowing) -> dict[str, float]:
    """``accuracy`` (how likely the right conclusion is), and how ``sure`` the policy is of what it concludes (how likely two conclusions are the same)."""
    p = conclusions(policy)
    return {"accuracy": float(p.gather(-1, world.answer().unsqueeze(-1)).mean()), "sure": float(p.square().sum(-1).mean())}


def trained(
    method: Recipe, world: Knowing, seed: int, stops: tuple[int, ...], rewards: Mapping[str, Any] | None = None, look: Any = measured
) -> dict[str, Any]:
    """What ``look`` sees before training and after so many steps on all questions, as curves, and at the end; and the ``policy`` that came of it."""
    policy = world.start()
    along = Along(stops, lambda: look(policy, world))
    budget = Budget(steps=max(stops), batch_size=world.contexts, seed=derive(seed, "training"))
    improve(policy, FiniteScene(world, rewards), world.rows(), method, budget, Decoding(2), display=along)
    at_the_end = {f"{name} at the end": curve[max(stops)] for name, curve in along.curves.items()}
    return {**along.curves, **at_the_end, "policy": policy}


def numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured, without the policy."""
    return {name: value for name, value in found.items() if name != "policy"}
