"""Tallies: metrics as sum and count, so that no figure depends on how a batch was split.

The effective size of a weighted sample (Kong 1992, A note on importance sampling using standardized weights) takes sums of weights and of their squares as well:

    size = (sum w)^2 / (n sum w^2)        1 where all weigh the same, 1 / n where one weighs all
"""

from collections.abc import Mapping

import torch
from torch import Tensor


class Tally:
    """Sums, counts and extremes of one step."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[float, float]] = {}
        self.weights: dict[str, tuple[float, float, float]] = {}  # how many there are, their sum and that of their squares
        self.extremes: dict[str, float] = {}
        self.lows: set[str] = set()  # of the extremes, those that are the smallest

    def add(self, name: str, values: Tensor | float, mask: Tensor | None = None) -> None:
        """Add values (all, or those where ``mask`` is true) to the mean called ``name``; NaN is left out."""
        values = torch.as_tensor(values, dtype=torch.float64).detach()
        values = values[mask] if mask is not None else values.reshape(-1)
        values = values[~values.isnan()]
        self.add_sum(name, float(values.sum()), values.numel())

    def add_sum(self, name: str, total: float, count: float) -> None:
        """Add a sum over ``count`` values."""
        s, n = self.sums.get(name, (0.0, 0.0))
        self.sums[name] = (s + total, n + count)

    def weigh(self, name: str, weights: Tensor) -> None:
        """Add weights to the sample whose effective size is called ``name``."""
        weights = weights.detach().double()
        self._add_weights(name, weights.numel(), float(weights.sum()), float(weights.square().sum()))

    def _add_weights(self, name: str, *more: float) -> None:
        count, total, square = map(sum, zip(self.weights.get(name, (0.0, 0.0, 0.0)), more, strict=True))
        self.weights[name] = (count, total, square)

    def highest(self, name: str, value: float) -> None:
        """Keep the largest value seen."""
        self.extremes[name] = max(value, self.extremes.get(name, -float("inf")))

    def lowest(self, name: str, value: float) -> None:
        """Keep the smallest value seen."""
        self.lows.add(name)
        self.extremes[name] = min(value, self.extremes.get(name, float("inf")))

    def join(self, other: "Tally") -> None:
        """Add what another one counted of other rows."""
        for name, (total, count) in other.sums.items():
            self.add_sum(name, total, count)
        for name, known in other.weights.items():
            self._add_weights(name, *known)
        for name, value in other.extremes.items():
            (self.lowest if name in other.lows else self.highest)(name, value)

    def update(self, other: Mapping[str, float]) -> None:
        """Add each value once."""
        for name, value in other.items():
            self.add_sum(name, value, 1)

    def means(self) -> dict[str, float]:
        """Every figure, by name; one without any value is left out."""
        means = {name: s / n for name, (s, n) in self.sums.items() if n}
        return means | {name: s**2 / (n * q) for name, (n, s, q) in self.weights.items() if q} | self.extremes
