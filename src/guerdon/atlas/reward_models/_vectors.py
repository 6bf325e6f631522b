"""What the experiments with reward models on vectors share: heads that are fitted to minima, a ridge that is chosen on prompts that nothing else sees, and how they order
answers.

A head reads the vectors [I, D] of items; what a language model or ``Embedded`` would gather for it batch by batch is gathered here once.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.models.heads.scalar import Scalar
from guerdon.parts import needs, wants

BRADLEY_TERRY = Pairwise(Head(), Logistic())
FURTHER = 3
RIDGES = (1e-3, 1e-2, 1e-1)  # weight of half the sum of squares beside the mean loss
CHOSEN = "ridges are chosen inside each seed, alike for every arm, by the order of answers to prompts that nothing else sees, from values that go on until the best lies inside"


@dataclass(frozen=True)
class Model:
    """A head, its module, and the vectors [I, D] that it reads."""

    head: Any
    module: nn.Module
    features: Tensor

    def says(self, items: Tensor, **more: Tensor) -> dict[str, Tensor]:
        """What the head says of the items [n], by name; ``more`` is what it reads besides, ``context`` as items."""
        if "context" in more:
            more = more | {"context": self.features[more["context"]]}
        each = torch.arange(len(items))
        said = self.head.read(self.module, self.features[items], each, each, **{k: more[k] for k in getattr(self.head, "reads", ())})
        return {self.head.measures: said} if isinstance(self.head.measures, str) else said

    @torch.no_grad()
    def table(self, items: Tensor, name: str = "score", **more: Tensor) -> Tensor:
        """What it says of items [C, A], as [C, A, ...]; ``more`` is of the same shape."""
        return self.says(items.flatten(), **{k: v.flatten() for k, v in more.items()})[name].unflatten(0, items.shape)


@dataclass(frozen=True)
class Told:
    """What is learned from: items by side ("" of single ones, "chosen_" and "rejected_" of pairs), [n] each, and columns. ``read`` is what a head reads besides, for both sides."""

    sides: Mapping[str, Tensor]
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    read: Mapping[str, Tensor] = field(default_factory=dict)

    def loss(self, model: Model, loss: Any) -> Tensor:
        """[n]"""
        n = len(next(iter(self.sides.values())))
        read = {k: v.repeat(len(self.sides)) for k, v in self.read.items()}
        both = model.says(torch.cat(list(self.sides.values())), **read)
        said = {side + k: v[i * n : (i + 1) * n] for k, v in both.items() for i, side in enumerate(self.sides)}
        given = {**self.columns, **said}
        return loss(**{name: given[name] for name in _named(loss) if name in given})


@functools.cache
def _named(loss: Any) -> frozenset[str]:
    return needs(loss) | wants(loss)


def pairs(chosen: Tensor, rejected: Tensor, columns: Mapping[str, Tensor] | None = None, **read: Tensor) -> Told:
    return Told({"chosen_": chosen, "rejected_": rejected}, columns or {}, read)


def minimised(
    model: Model, terms: Sequence[tuple[Told, Any]], ridge: float, steps: int = 60, around: bool = False, only: Sequence[str] | None = None
) -> Model:
    """The model at the minimum of the sum of the terms' means and ``ridge / 2`` times the sum of squares (``around``: of the distance from where it is). ``only``: so begin the
    names of the parameters that move."""
    trained = [p for n, p in model.module.named_parameters() if only is None or any(n.startswith(name) for name in only)]
    centres = [p.detach().clone() if around else torch.zeros_like(p) for p in trained]
    optimiser = torch.optim.LBFGS(trained, max_iter=steps, tolerance_grad=1e-8, tolerance_change=1e-10, line_search_fn="strong_wolfe")

    def value() -> Tensor:
        optimiser.zero_grad()
        total = ridge / 2 * sum((p - c).square().sum() for p, c in zip(trained, centres, strict=True))
        for told, loss in terms:
            total = total + told.loss(model, loss).mean()
        total.backward()
        return total

    optimiser.step(value)
    return model


def fitted(features: Tensor, terms: Sequence[tuple[Told, Any]], ridge: float, seed: int, head: Any = None, steps: int = 60) -> Model:
    """A fresh head at the minimum of the terms and the ridge."""
    return minimised(drawn(features, head or Scalar(), seed), terms, ridge, steps)


def drawn(features: Tensor, head: Any, seed: int) -> Model:
    return Model(head, head.build(features.shape[1], seed).double(), features)


def at_the_best(values: Sequence[float], fit: Callable[[float], Any], score: Callable[[Any], float], quick: bool) -> Any:
    """What ``fit`` gives at the value under which it scores best; where that is an end of the values they go on by their own ratio, three times at most. Quick: at the one in the
    middle."""
    if quick:
        return fit(values[len(values) // 2])
    found = {value: fit(value) for value in values}
    scored = {value: score(model) for value, model in found.items()}
    ratio = values[1] / values[0]
    for _ in range(FURTHER):
        top = max(scored, key=scored.__getitem__)
        if min(scored) < top < max(scored):
            break
        further = top / ratio if top == min(scored) else top * ratio
        found[further] = fit(further)
        scored[further] = score(found[further])
    return found[max(scored, key=scored.__getitem__)]


def both_at_the_best(
    first: Sequence[float], second: Sequence[float], fit: Callable[[float, float], Any], score: Callable[[Any], float], quick: bool
) -> Any:
    """What ``fit`` gives at the best of two settings: the first one is chosen with the second in its middle, then the second."""
    middle = second[len(second) // 2]
    value, _ = at_the_best(first, lambda value: (value, fit(value, middle)), lambda found: score(found[1]), quick)
    return at_the_best(second, lambda other: fit(value, other), score, quick)


def ordered(score: Tensor, reward: Tensor) -> float:
    """The share of pairs of answers to one prompt, [C, A], that are ordered as they are worth. A tie is half right."""
    alike = (score.unsqueeze(-1) - score.unsqueeze(-2)).sign() * (reward.unsqueeze(-1) - reward.unsqueeze(-2)).sign()
    answers = reward.shape[-1]
    return float((alike.sum() / len(reward) / (answers * (answers - 1)) + 1) / 2)
