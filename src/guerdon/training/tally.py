"""Tallies: metrics as sum and count, so that no figure depends on how a batch was split."""

from collections.abc import Mapping

import torch
from torch import Tensor


class Tally:
    """Sums, counts and extremes of one step."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[float, float]] = {}
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
        for name, value in other.extremes.items():
            (self.lowest if name in other.lows else self.highest)(name, value)

    def update(self, other: Mapping[str, float]) -> None:
        """Add each value once."""
        for name, value in other.items():
            self.add_sum(name, value, 1)

    def means(self) -> dict[str, float]:
        """Every figure, by name; one without any value is left out."""
        return {name: s / n for name, (s, n) in self.sums.items() if n} | self.extremes
