"""Verifiers that err, of answers whose worth is known: what systems on the verification of answers have in common.

Half of the problems of ``atlas._approaches`` are practised on under a verifier; the success on the other half is by the truth. A rule
compares an answer with a reference that is written in some way: it rejects what is wrong, and of what is right it rejects, per problem,
whole ways of writing (the last action). A second verifier sees through the writing and errs by chance, always alike on the same answer:

    s(x, y) = sensitivity * (+1 if right, else -1) + z(x, y),  z ~ N(0, 1);   accepts where s > 0;   P(right | s) = sigmoid(2 * sensitivity * s) at even odds
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from guerdon.atlas._approaches import Practice
from guerdon.atlas._text import Along
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.approaches import Approaches


@dataclass(frozen=True)
class Verified(Approaches):
    """Approaches as a verifier sees them.

    Attributes:
        by: "truth", "rule", "second", "rule or second" (the second is asked where the rule rejects), "soft" (the second's probability of being right).
        missed: the share of ways of writing that the rule does not know, on each problem.
        sensitivity: of the second verifier.
    """

    by: str = "truth"
    missed: float = 0.38
    sensitivity: float = 1.645

    def rewards(self) -> Tensor:
        right = super().rewards()
        known = torch.rand(self.contexts, self.vocabulary, dtype=torch.float64, generator=generator(self.seed, "known ways")) >= self.missed
        rule = right * known[:, self.tree.actions[:, -1]]
        signal = torch.randn(right.shape, dtype=torch.float64, generator=generator(self.seed, "second verifier"))
        signal = signal + self.sensitivity * (2 * right - 1)
        second = (signal > 0).double()
        verdicts = {"truth": right, "rule": rule, "second": second, "rule or second": torch.maximum(rule, second)}
        return (verdicts | {"soft": torch.sigmoid(2 * self.sensitivity * signal)})[self.by]


def accuracies(practice: Practice, method: Recipe, learning_rate: float, stops: tuple[int, ...], **verifier) -> dict:
    """Practice under a verifier: ``accuracy``, the true success on held-out problems before the first step and after each stop, and at the end."""
    policy, world = practice.policy(), practice.world
    seen = Verified(
        world.contexts, world.kinds, world.vocabulary, world.depth, world.end, world.mean, world.deviation, world.seed, **verifier
    )
    display = Along(stops, lambda: {"accuracy": success(policy, practice)})
    budget = Budget(max(stops), practice.prompts, seed=practice.seed)
    method = replace(method, optimiser=AdamW(learning_rate))
    improve(policy, FiniteScene(seen), practice.practised, method, budget, Decoding(practice.depth), display=display)
    return display.curves | {"at the end": display.seen[max(stops)]["accuracy"]}


@torch.no_grad()
def success(policy: TablePolicy, practice: Practice) -> float:
    return float(practice.success(policy).mean())
