"""A plain gradient step in the place of a recipe's optimiser, so that the parameters move by minus the gradient."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from guerdon.training.recipe import Recipe


@dataclass(frozen=True)
class Plain:
    learning_rate: float = 1.0
    max_grad_norm: float = math.inf

    def build(self, parameters: Iterable[nn.Parameter], edges: Collection[nn.Parameter] = ()) -> torch.optim.Optimizer:
        return torch.optim.SGD([p for p in parameters if p.requires_grad], lr=0.0)


def plainly(recipe: Recipe) -> Recipe:
    """The recipe with one plain step on all that it is given."""
    learners = {name: replace(learning, optimiser=Plain()) for name, learning in recipe.learners.items()}
    return replace(recipe, optimiser=Plain(), epochs=1, minibatches=1, learners=learners)


def flat(parameters: Iterable[Tensor]) -> Tensor:
    """All of them in one vector."""
    return torch.cat([p.detach().flatten() for p in parameters])


def gradient_of(value: Tensor, leaves: list[Tensor]) -> Tensor:
    """By all leaves in one vector; 0 where a leaf is not reached."""
    found = torch.autograd.grad(value, leaves, allow_unused=True)
    return flat(torch.zeros_like(leaf) if each is None else each for leaf, each in zip(leaves, found, strict=True))
