"""Matrix game: two players choose at once, and what one gains the other loses.

    payoff[i, j]: what the row player gains when rows play i and columns play j

Source: von Neumann 1928; the default is matching pennies. ``rows`` and ``columns`` without ``given``: entries from N(0, 1).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import table


@dataclass(frozen=True)
class MatrixGame:
    rows: int = 2
    columns: int = 2
    seed: int = 0
    given: tuple[tuple[float, ...], ...] | None = ((1.0, -1.0), (-1.0, 1.0))  # None: drawn

    def payoff(self) -> Tensor:
        if self.given is None:
            return torch.randn(self.rows, self.columns, dtype=torch.float64, generator=generator(self.seed, "matrix game"))
        return table(self.given, (self.rows, self.columns), "MatrixGame.given")
