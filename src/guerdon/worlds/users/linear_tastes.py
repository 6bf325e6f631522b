"""Linear tastes: what somebody likes is a direction; the directions share a common part and lie in a small subspace.

    utility[u, i] = strength * t_u . x_i / |t_u|,    t_u = S (sqrt(agreement) c + sqrt(1 - agreement) w_u),    x_i, c, w_u from N(0, 1)

S [D, rank] has orthonormal columns. With ``agreement`` 1 all are of one mind, with 0 they have nothing in common but the subspace.

Source: ours; simulated raters whose rewards weigh the same features differently, as in Barreto et al. 2025, arXiv 2503.17338.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.worlds.users._crowd import Crowd


@dataclass(frozen=True)
class LinearTastes(Crowd):
    items: int = 200
    users: int = 60
    width: int = 16
    rank: int = 4
    agreement: float = 0.0
    strength: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.agreement <= 1 and 1 <= self.rank <= self.width):
            raise InputError(f"{self!r}: agreement lies between 0 and 1, and rank between 1 and width")

    def features(self) -> Tensor:
        return torch.randn(self.items, self.width, dtype=torch.float64, generator=generator(self.seed, "items"))

    def tastes(self) -> Tensor:
        """[U, D], each of length ``strength``."""
        rng = generator(self.seed, "tastes")
        subspace = torch.linalg.qr(torch.randn(self.width, self.rank, dtype=torch.float64, generator=rng)).Q
        common = torch.randn(self.rank, dtype=torch.float64, generator=rng)
        own = torch.randn(self.users, self.rank, dtype=torch.float64, generator=rng)
        tastes = (self.agreement**0.5 * common + (1 - self.agreement) ** 0.5 * own) @ subspace.T
        return self.strength * tastes / tastes.norm(dim=-1, keepdim=True)

    def utility(self) -> Tensor:
        return self.tastes() @ self.features().T
