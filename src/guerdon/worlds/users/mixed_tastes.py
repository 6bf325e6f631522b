"""Mixed tastes: a few groups have a taste each, and everybody is in one of them, or somewhere between.

    utility[u, i] = strength * sum_k w[u, k] g_k . x_i,    x_i from N(0, 1), g_k of length 1, g_k . g_l = agreement

    concentration 0: w[u] is one group, of the probability in ``shares``;   else w[u] ~ Dirichlet(concentration * shares * groups)

A majority and a minority are two groups with unequal ``shares``; how far they are apart is ``agreement`` (-1: they want opposite things).

Source: ours; users as convex combinations of a few rewards as in LoRe, arXiv 2504.14439, and groups of people as in MaxMin-RLHF, arXiv
2402.08925, where imbalance and distance are what decides.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.worlds.users._crowd import Crowd


@dataclass(frozen=True)
class MixedTastes(Crowd):
    items: int = 200
    users: int = 60
    width: int = 16
    shares: tuple[float, ...] = (0.5, 0.5)
    agreement: float = 0.0
    concentration: float = 0.0
    strength: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        groups = len(self.shares)
        if abs(sum(self.shares) - 1) > 1e-9 or min(self.shares) < 0 or self.concentration < 0 or groups > self.width:
            raise InputError(f"{self!r}: shares are 0 or more and sum to 1, of no more groups than width; concentration is 0 or more")
        if not -1 / max(groups - 1, 1) - 1e-9 <= self.agreement <= 1:
            raise InputError(
                f"agreement {self.agreement}: the cosine between any two of {groups} directions is between {-1 / max(groups - 1, 1):g} and 1"
            )

    def features(self) -> Tensor:
        return torch.randn(self.items, self.width, dtype=torch.float64, generator=generator(self.seed, "items"))

    def groups(self) -> Tensor:
        """[K, D], the taste of each group, of length 1."""
        return directions(len(self.shares), self.width, self.agreement, generator(self.seed, "groups"))

    def weights(self) -> Tensor:
        """[U, K], how much of each group is in each user."""
        shares = torch.tensor(self.shares, dtype=torch.float64)
        rng = generator(self.seed, "weights")
        if self.concentration == 0:
            return torch.eye(len(shares), dtype=torch.float64)[torch.multinomial(shares, self.users, replacement=True, generator=rng)]
        drawn = torch._standard_gamma((self.concentration * len(shares) * shares).expand(self.users, -1).contiguous(), generator=rng)
        return drawn / drawn.sum(-1, keepdim=True)

    def utility(self) -> Tensor:
        return self.strength * self.weights() @ self.groups() @ self.features().T


def directions(count: int, width: int, agreement: float, rng: torch.Generator) -> Tensor:
    """[count, width], directions of length 1 of which any two have the same cosine. However large it is, the first is the same, the second in the same plane ..."""
    gram = (1 - agreement) * torch.eye(count, dtype=torch.float64) + agreement
    root = torch.linalg.cholesky(
        gram + 1e-12 * torch.eye(count, dtype=torch.float64)
    )  # the least agreement that there can be makes it singular
    return root @ torch.linalg.qr(torch.randn(width, count, dtype=torch.float64, generator=rng)).Q.T
