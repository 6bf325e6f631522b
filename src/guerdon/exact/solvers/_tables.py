"""What solvers share: reading tables, and divergences of distributions."""

import torch
from torch import Tensor

from guerdon.errors import InputError


def distribution(probabilities: Tensor, name: str, positive: bool = False) -> Tensor:
    """``probabilities`` [..., S] as float64, checked; what rounding (of float32, say) left of the sum is divided out.

    Raises:
        InputError: they are negative, or do not sum to 1, or (where they must be ``positive``) one is 0.
    """
    p = probabilities.detach().double()
    if bool((p < 0).any()) or not torch.allclose(p.sum(-1), torch.ones((), dtype=p.dtype), atol=1e-9):
        raise InputError(f"{name} must be probabilities: at least 0, with the sum 1 over the last dimension")
    if positive and bool((p == 0).any()):
        raise InputError(f"{name} has a probability of 0, which no divergence from it can be finite for: give every action a positive one")
    return p / p.sum(-1, keepdim=True)


def uniform(size: int) -> Tensor:
    """[size], equal probabilities."""
    return torch.full((size,), 1 / size, dtype=torch.float64)


def kl(p: Tensor, q: Tensor) -> Tensor:
    """[...], KL(p || q) in nats over the last dimension; infinite where p puts mass that q does not."""
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(-1)


def positive(number: float, name: str) -> None:
    """Refuse what must be above 0."""
    if not number > 0:
        raise InputError(f"{name} is {number}: it must be above 0")
