"""What experiments with comparisons in finite worlds share: pairs, as they are labelled in expectation or drawn once, minimisers, and what came of them.

A world is its rewards [S] (one context, S answers), a reference and a ``beta``; people compare by Bradley-Terry on the rewards unless ``prefer`` [S, S] says otherwise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.models.finite.policy import TablePolicy
from guerdon.parts import call
from guerdon.randomness import generator
from guerdon.sequences import Example, Side, collate
from guerdon.training.learner import step_weights
from guerdon.training.measuring import attach_views, gather, wanted_by
from guerdon.training.recipe import Term

MICRO_BATCH = 1 << 20  # tables are small: everything at once


@dataclass(frozen=True)
class ComparisonWorld:
    """A finite world in which answers are compared.

    Attributes:
        reward: [S], what each answer is worth.
        start: builds the reference, which is also where training starts.
        beta: the weight of the KL in the objective, E[reward] - beta KL(policy || reference).
        given: [S, S], the probability that the row's answer is preferred to the column's; None: Bradley-Terry on the rewards.
    """

    reward: Tensor
    start: Callable[[], TablePolicy]
    beta: float
    given: Tensor | None = None

    @cached_property
    def reference(self) -> TablePolicy:
        return self.start()

    @cached_property
    def reference_probabilities(self) -> Tensor:
        """[S]"""
        return self.reference.probabilities(0).detach()

    @cached_property
    def prefer(self) -> Tensor:
        """[S, S], the probability that the row's answer is preferred to the column's."""
        return torch.sigmoid(self.reward.unsqueeze(-1) - self.reward) if self.given is None else self.given

    @cached_property
    def optimum(self) -> Tensor:
        """[S], the policy that maximises E[reward] - beta KL."""
        return KLRegularisedOptimum(self.beta)(self.reward, self.reference_probabilities)["policy"]

    def objective(self, policy: Tensor) -> float:
        """E[reward] - beta KL(policy || reference) of probabilities [S]."""
        kl = (policy * (policy.clamp(min=1e-300).log() - self.reference_probabilities.log())).sum()
        return float((policy * self.reward).sum() - self.beta * kl)

    def measured(self, policy: TablePolicy) -> dict[str, float]:
        """``reward``, ``KL`` from the reference, ``regret`` (of the objective against its optimum), ``distance from the optimum`` (total variation)."""
        now = policy.probabilities(0).detach()
        return {
            "reward": float((now * self.reward).sum()),
            "KL": float(policy.kl(self.reference)[0].detach()),
            "regret": self.objective(self.optimum) - self.objective(now),
            "distance from the optimum": float((now - self.optimum).abs().sum() / 2),
        }

    # pairs

    def all_pairs(self, asked: Tensor | None = None, flip: float = 0.0) -> list[Example]:
        """Both orders of every pair, weighed by how often it is asked, [S, S] (None: all pairs alike), and labelled so: what infinitely many
        comparisons would be, of which a share ``flip`` was noted down the wrong way round."""
        labelled = (1 - flip) * self.prefer + flip * self.prefer.T
        share = (torch.ones_like(labelled) if asked is None else (asked + asked.T) / 2) * labelled
        share = share * ~torch.eye(len(share), dtype=torch.bool)
        pairs = (share > 0).nonzero()
        weight = share[pairs[:, 0], pairs[:, 1]]
        return self.examples(pairs, weight / weight.mean())

    def asked_by(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        """[S, S], how often a pair is asked when its sides are drawn from ``first`` and ``second`` [S] (None: both from the first)."""
        return first.unsqueeze(-1) * (first if second is None else second)

    def drawn(self, n: int, first: Tensor, seed: int, second: Tensor | None = None, flip: float = 0.0) -> Tensor:
        """[n, 2] comparisons, the preferred answer first: two different answers, one from ``first`` and one from ``second`` [S] (None: both from the first), by
        people of whom a share ``flip`` notes down the other verdict."""
        asked = self.asked_by(first, second)
        asked = (asked * ~torch.eye(len(asked), dtype=torch.bool)).flatten()
        rng = generator(seed, "comparisons")
        pairs = torch.multinomial(asked, n, replacement=True, generator=rng)
        pairs = torch.stack([pairs // len(first), pairs % len(first)], -1)
        right = (1 - flip) * self.prefer + flip * self.prefer.T
        wins = torch.rand(n, dtype=torch.float64, generator=rng) < right[pairs[:, 0], pairs[:, 1]]
        return torch.where(wins.unsqueeze(-1), pairs, pairs.flip(-1))

    def counted(self, pairs: Tensor) -> list[Example]:
        """Drawn comparisons [n, 2] as examples, each different one once, with how often it occurs as its weight."""
        different, count = torch.unique(pairs, dim=0, return_counts=True)
        return self.examples(different, count / count.double().mean())

    def examples(self, pairs: Tensor, weight: Tensor | None = None, **columns: Tensor) -> list[Example]:
        """Pairs [n, 2] of answers, the preferred one first, as examples; ``columns`` [n] go along."""
        columns = columns | ({} if weight is None else {"weight": weight})
        named = [{name: float(values[i]) for name, values in columns.items()} for i in range(len(pairs))]
        return [Example({"chosen": self.side(a), "rejected": self.side(b)}, own) for (a, b), own in zip(pairs.tolist(), named, strict=True)]

    def side(self, answer: int) -> Side:
        """An answer as the side of an example."""
        tree = self.reference.tree
        length = int(tree.length[answer])
        return Side((0,), tuple(tree.actions[answer, :length].tolist()), (True,) * length)


def loss_on(
    policy: Any,
    terms: Sequence[Term],
    examples: Sequence[Example],
    reference: TablePolicy | None = None,
    others: Mapping[str, TablePolicy] | None = None,
) -> Callable[[], Tensor]:
    """The value of the terms on all examples at once, as a function of the policy as it is when called. ``reference`` None: the policy as it is now. ``others`` are
    further views by name."""
    views = {"ref": reference or policy.reference(), **(others or {})}
    names, batch = wanted_by(t.loss for t in terms), collate(examples)
    attach_views(batch, names, views, MICRO_BATCH)
    weights = [step_weights(term, batch).double() for term in terms]

    def loss() -> Tensor:
        quantities, value = gather(batch, names, policy, views), torch.zeros((), dtype=torch.float64)
        for term, weight in zip(terms, weights, strict=True):
            each = call(term.loss, quantities)
            share = weight if each.dim() > 1 else weight.sum(-1)
            value = value + term.weight * (share * torch.where(share != 0, each, torch.zeros_like(each))).sum()
        return value

    return loss


def gradient(policy: TablePolicy, terms: Sequence[Term], examples: Sequence[Example], reference: TablePolicy | None = None) -> Tensor:
    """The gradient of the terms on all examples, by all parameters of the policy, in one vector."""
    grads = torch.autograd.grad(loss_on(policy, terms, examples, reference)(), list(policy.module.parameters()))
    return torch.cat([grad.flatten() for grad in grads])


def minimise(
    policy: Any,
    terms: Sequence[Term],
    examples: Sequence[Example],
    reference: TablePolicy | None = None,
    steps: int = 200,
    others: Mapping[str, TablePolicy] | None = None,
    penalty: Callable[[], Tensor] | None = None,
) -> float:
    """Bring ``policy`` to a minimum of the terms on all examples at once, by L-BFGS with a line search, and return the loss there.

    From where it starts: of several minima, or of a valley without an end (labels that are always right), it finds what lies that way in ``steps`` iterations.
    ``policy`` is a table, or whatever else measures (a head on vectors); ``reference`` None: it as it is now. ``others`` are further views by name; ``penalty`` is
    added to the loss.
    """
    loss, parameters = loss_on(policy, terms, examples, reference, others), [p for p in policy.module.parameters() if p.requires_grad]
    optimiser = torch.optim.LBFGS(parameters, max_iter=steps, tolerance_grad=1e-9, tolerance_change=1e-12, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimiser.zero_grad()
        value = loss() if penalty is None else loss() + penalty()
        value.backward()
        return value

    optimiser.step(step)
    return float(loss().detach())


def descend(
    policy: TablePolicy, terms: Sequence[Term], examples: Sequence[Example], stops: Sequence[int], rate: float
) -> Iterator[TablePolicy]:
    """``policy`` after each of so many steps of Adam on all examples at once: where it would be, had one stopped there. The reference is where it starts."""
    loss, optimiser = loss_on(policy, terms, examples), torch.optim.Adam(policy.module.parameters(), lr=rate)
    for step in range(1, max(stops) + 1):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
        if step in stops:
            yield policy
