"""Ideal places: everybody likes what lies near a place of their own; the places are mixtures of a few.

    utility[u, i] = -strength * (|y_i - a_u|^2 - mean) / deviation,    y_i = M x_i,    a_u = sum_k w[u, k] p_k

x_i [D] is from N(0, 1), M [dimensions, D] has orthonormal rows; the prototypes p_k, each as far from every other, lie on a sphere of radius
``spread`` * sqrt(dimensions) around the mean item; w[u] ~ Dirichlet(concentration), or one of the K where it is 0. Mean and deviation of a
user's squared distances are over the items, so that everybody is as sure of their verdicts.

Source: the ideal point model, Coombs 1950, as the simulated users of PAL, Chen et al. 2024, arXiv 2406.08469, whose ideal points are
mixtures of prototypes.
Differs from MixedTastes: nobody wants as much as possible of anything.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.worlds.users._crowd import Crowd
from guerdon.worlds.users.mixed_tastes import directions


@dataclass(frozen=True)
class IdealPlaces(Crowd):
    items: int = 200
    users: int = 60
    width: int = 16
    dimensions: int = 4
    prototypes: int = 3
    spread: float = 1.0
    concentration: float = 0.3
    strength: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.prototypes <= self.dimensions <= self.width or self.concentration < 0:
            raise InputError(f"{self!r}: 1 <= prototypes <= dimensions <= width, and concentration is 0 or more")

    def features(self) -> Tensor:
        return torch.randn(self.items, self.width, dtype=torch.float64, generator=generator(self.seed, "items"))

    def weights(self) -> Tensor:
        """[U, K], how much of each prototype is in each user."""
        even, rng = torch.ones(self.users, self.prototypes, dtype=torch.float64), generator(self.seed, "weights")
        if self.concentration == 0:
            return torch.eye(self.prototypes, dtype=torch.float64)[torch.multinomial(even, 1, generator=rng).squeeze(-1)]
        drawn = torch._standard_gamma(self.concentration * even, generator=rng).clamp(min=1e-300)
        return drawn / drawn.sum(-1, keepdim=True)

    def prototype(self) -> Tensor:
        """[K, dimensions]"""
        apart = -1 / (self.prototypes - 1) if self.prototypes > 1 else 0.0
        return self.spread * self.dimensions**0.5 * directions(self.prototypes, self.dimensions, apart, generator(self.seed, "prototypes"))

    def places(self) -> Tensor:
        """[I, dimensions], where the items lie for those who judge."""
        rng = generator(self.seed, "map")
        return self.features() @ torch.linalg.qr(torch.randn(self.width, self.dimensions, dtype=torch.float64, generator=rng)).Q

    def utility(self) -> Tensor:
        distance = torch.cdist(self.weights() @ self.prototype(), self.places()).square()
        return -self.strength * (distance - distance.mean(-1, keepdim=True)) / distance.std(-1, keepdim=True)
