"""Named parameters as one vector, and derivatives with respect to it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

# A batch of directions at a time, so that memory is that of so many gradients.
_DIRECTIONS = 64


@dataclass(frozen=True)
class Flat:
    """The order in which named parameters lie in a vector [P]."""

    shapes: Mapping[str, tuple[int, ...]]

    @property
    def size(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    def join(self, parameters: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([torch.as_tensor(parameters[name], dtype=torch.float64).reshape(-1) for name in self.shapes])

    def split(self, vector: Tensor) -> dict[str, Tensor]:
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        return {name: piece.view(shape) for (name, shape), piece in zip(self.shapes.items(), vector.split(sizes), strict=True)}

    def named(self, index: int) -> str:
        """The parameter that an entry of the vector belongs to."""
        for name, shape in self.shapes.items():
            index -= math.prod(shape)
            if index < 0:
                return name
        raise IndexError(index)


def value_and_derivatives(function: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A function of [P] to a number: its value, gradient [P] and Hessian [P, P]."""
    at = at.detach().requires_grad_()
    value = function(at)
    (gradient,) = torch.autograd.grad(value, at, create_graph=True)
    hessian = rows(gradient, at)
    return value.detach(), gradient.detach(), (hessian + hessian.T) / 2


def jacobian(function: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """A function of [P] to [...]: its value and its derivatives [..., P]."""
    at = at.detach().requires_grad_()
    value = function(at)
    flat = value.reshape(-1)
    if not flat.requires_grad:
        return value.detach(), torch.zeros(*value.shape, len(at), dtype=torch.float64)
    if len(flat) <= len(at):
        return value.detach(), rows(flat, at).view(*value.shape, len(at))
    # Many values of few parameters: sum(w * value) has a gradient that is linear in w, and its derivatives by w are the columns.
    weight = torch.zeros_like(flat, requires_grad=True)
    (gradient,) = torch.autograd.grad(flat, at, weight, create_graph=True)
    return value.detach(), rows(gradient, weight).T.reshape(*value.shape, len(at))


def rows(values: Tensor, at: Tensor) -> Tensor:
    """[V, P], the gradient of each of V values."""
    if not values.requires_grad:
        return torch.zeros(len(values), len(at), dtype=torch.float64)
    found = []
    for directions in torch.eye(len(values), dtype=values.dtype).split(_DIRECTIONS):
        found += torch.autograd.grad(
            values, at, directions, retain_graph=True, is_grads_batched=True, allow_unused=True, materialize_grads=True
        )
    return torch.cat(found).detach()
