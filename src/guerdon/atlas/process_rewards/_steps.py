"""What the experiments of process rewards share: solutions with steps, a head that is taught what steps are worth, and how good its scores are.

``drawn`` answers some problems of ``worlds.finite.solutions`` a number of times; ``taught`` trains a head on the features of their steps by a loss of ``losses.steps``. What it
says is a table of scores [C, P, V], so that it can be asked about every step of every problem: ``best_of`` for the outcome of the best of N, exactly over a pool of solutions;
``localised`` for the F1 of the first error; ``Drawn.of`` for anything else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from guerdon.acting.samplers.group import Group
from guerdon.evaluation.metrics.first_error_f1 import FirstErrorF1
from guerdon.feedback.aggregating import Aggregating
from guerdon.losses.steps import StepLoss
from guerdon.models.finite.policy import TablePolicy
from guerdon.parts import call
from guerdon.randomness import generator
from guerdon.sequences import Decoding
from guerdon.steps import clean
from guerdon.worlds.finite.solutions import Solutions


@dataclass(frozen=True)
class Drawn:
    """B solutions: their problem [B]; the prefix before each step, the step, and whether there is one [B, T]; the outcome [B]."""

    problem: Tensor
    node: Tensor
    action: Tensor
    mask: Tensor
    outcome: Tensor

    def of(self, table: Tensor) -> Tensor:
        """[C, P, V, ...] → [B, T, ...], what a table says of each step; 0 beyond the end."""
        found = table[self.problem.unsqueeze(-1), self.node, self.action]
        return clean(found, self.mask.view(*self.mask.shape, *[1] * (found.dim() - 2)))

    def select(self, rows: Tensor) -> "Drawn":
        """The given solutions."""
        return Drawn(*(getattr(self, name)[rows] for name in ("problem", "node", "action", "mask", "outcome")))

    def rows(self, values: Tensor) -> list[list[float]]:
        """[B, T] → the numbers of each solution's steps."""
        return [row[own].tolist() for row, own in zip(values, self.mask, strict=True)]

    def first(self, wrong: Tensor) -> Tensor:
        """[B], the first step at which it is true, -1 where there is none."""
        there = wrong & self.mask
        return torch.where(there.any(-1), there.long().argmax(-1), -1)

    def __len__(self) -> int:
        return len(self.problem)


def drawn(world: Solutions, policy: TablePolicy, problems: Sequence[int], each: int, seed: int) -> Drawn:
    """``each`` solutions of the policy to each of the problems."""
    contexts = [torch.tensor([c]) for c in problems]
    found = Group(each)(policy, contexts, Decoding(world.depth), seed)
    problem = torch.cat(found.contexts)[found.context]
    outcome = world.expected_reward_of(found)
    return Drawn(problem, world.tree.nodes(found.actions), found.actions, found.mask, outcome)


def rolled(worth: Tensor, tries: int, seed: int) -> Tensor:
    """What so many continuations of a step say of its worth (the chance that one of them is right): the share of right ones, of the same shape."""
    return torch.binomial(torch.full_like(worth, float(tries)), worth.clamp(0, 1), generator=generator(seed, "continuations")) / tries


def taught(
    features: Tensor,
    solutions: Drawn,
    labels: Tensor,
    loss: StepLoss,
    learning_rate: float = 0.05,
    steps: int = 300,
    decay: float = 0.0,
    hidden: int = 0,
    judged: Tensor | None = None,
    seed: int = 0,
) -> Tensor:
    """A head that was taught ``labels`` [B, T] of the steps of the solutions → its scores of all steps, [C, P, V].

    Args:
        features: [C, P, V, D], what it sees.
        loss: a part of ``losses.steps``; the mean over what it returns is minimised with AdamW on all solutions at once.
        decay: weight decay.
        hidden: the width of a hidden layer; 0 for a head that is linear.
        judged: [B, T], the steps that have a label; all by default.
    """
    head, known = _head(features.shape[-1], hidden, seed), solutions.mask if judged is None else judged & solutions.mask
    seen = solutions.of(features)
    optimiser = torch.optim.AdamW(head.parameters(), lr=learning_rate, weight_decay=decay)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 - step / steps)
        score = head(seen).squeeze(-1)
        each = call(loss, {"step_score": clean(score, known), "step_label": clean(labels, known), "mask": known})
        mean = each[known].mean() if each.dim() == 2 else each.mean()
        optimiser.zero_grad()
        mean.backward()
        optimiser.step()
    with torch.no_grad():
        return head(features).squeeze(-1)


def _head(width: int, hidden: int, seed: int) -> nn.Module:
    rng = generator(seed, "head")
    layers = [nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1)] if hidden else [nn.Linear(width, 1)]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)
            layer.weight.data = torch.randn(layer.weight.shape, generator=rng) / layer.in_features**0.5
    return nn.Sequential(*layers).double()


def worths(solutions: Drawn, probability: Tensor, aggregate: Aggregating | Callable[[list[float]], float]) -> Tensor:
    """[B], what a part of ``feedback.aggregating`` makes of what is said of the steps, [B, T]."""
    return torch.tensor([float(aggregate(row)) for row in solutions.rows(probability)], dtype=torch.float64)


def best_of(solutions: Drawn, worth: Tensor, n: int, measured: Tensor | None = None) -> float:
    """What the best of ``n`` solutions of a problem is like, the mean over problems: the outcome, or what is ``measured`` [B].

    Exact over all sets of n of those that were drawn; of solutions that are worth the same each is as likely to be taken.
    """
    measured = solutions.outcome if measured is None else measured
    return float(torch.stack([_best(worth[own], measured[own], n) for own in _by_problem(solutions)]).mean())


def _by_problem(solutions: Drawn) -> list[Tensor]:
    return [(solutions.problem == c).nonzero().flatten() for c in solutions.problem.unique().tolist()]


def _best(worth: Tensor, measured: Tensor, n: int) -> Tensor:
    levels, level = torch.unique(worth, return_inverse=True)  # ascending
    count = torch.zeros(len(levels), dtype=torch.float64).index_add(0, level, torch.ones_like(measured))
    total = torch.zeros(len(levels), dtype=torch.float64).index_add(0, level, measured.double())
    reached = count.cumsum(0)
    none_above = _choose(reached, n) / _choose(reached[-1:], n)
    chance = none_above - torch.cat([none_above.new_zeros(1), none_above[:-1]])
    return (chance * total / count).sum()


def _choose(size: Tensor, n: int) -> Tensor:
    """The number of sets of n, up to n!."""
    return torch.stack([(size - k).clamp(min=0) for k in range(n)]).prod(0)


def localised(solutions: Drawn, probability: Tensor, first_error: Tensor, threshold: float) -> float:
    """The F1 of the first error, ``probability`` [B, T] that each step is right."""
    return float(FirstErrorF1(threshold)(solutions.rows(probability), first_error.tolist())[2])


def threshold_for(solutions: Drawn, probability: Tensor, first_error: Tensor, of: int = 40) -> float:
    """The threshold at which the F1 of the first error is best on these solutions, among quantiles of what is said."""
    known = probability[solutions.mask]
    tried = torch.unique(torch.quantile(known, torch.linspace(0, 1, of + 1, dtype=known.dtype))).tolist()
    found = [localised(solutions, probability, first_error, t) for t in tried]
    return tried[max(range(len(tried)), key=lambda i: found[i])]
