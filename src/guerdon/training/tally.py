"""Tallies: metrics as sum and count, so that no figure depends on how a batch was split.

The effective size of a weighted sample (Kong 1992, A note on importance sampling using standardized weights) takes sums of weights and of their squares as well:

    size = (sum w)^2 / (n sum w^2)        1 where all weigh the same, 1 / n where one weighs all

What is counted of tensors on a device stays there and is read in one go when a figure is asked for, so that a device is not waited for in between.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from guerdon.models.moving import finest


class Tally:
    """Sums, counts and extremes of one step."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}
        self.weights: dict[str, tuple[float, float, float]] = {}  # how many there are, their sum and that of their squares
        self._extremes: dict[str, float] = {}
        self.lows: set[str] = set()  # of the extremes, those that are the smallest
        self._there: list[
            tuple[str, Tensor]
        ] = []  # names with an extreme [1], a sum and a count [2], or what is kept of weights [3], on a device

    @property
    def sums(self) -> dict[str, tuple[float, float]]:
        """Sum and count by name."""
        self.settle()
        return self._sums

    @property
    def extremes(self) -> dict[str, float]:
        """The largest or the smallest value by name."""
        self.settle()
        return self._extremes

    def add(self, name: str, values: Tensor | float, mask: Tensor | None = None) -> None:
        """Add values (all, or those where ``mask`` is true) to the mean called ``name``; NaN is left out."""
        if isinstance(values, Tensor) and values.device.type != "cpu":
            values = values.detach().to(finest(values.device))
            counted = ~values.isnan() if mask is None else mask & ~values.isnan()
            total = torch.where(counted, values, torch.zeros_like(values)).sum()
            self._there.append((name, torch.stack([total, counted.sum().to(total.dtype)])))
            self._sums.setdefault(name, (0.0, 0.0))  # figures keep the order in which they came
            return
        values = torch.as_tensor(values, dtype=torch.float64).detach()
        values = values[mask] if mask is not None else values.reshape(-1)
        values = values[~values.isnan()]
        self.add_sum(name, float(values.sum()), values.numel())

    def add_sum(self, name: str, total: float, count: float) -> None:
        """Add a sum over ``count`` values."""
        s, n = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = (s + total, n + count)

    def weigh(self, name: str, weights: Tensor, mask: Tensor) -> None:
        """Add weights (those where ``mask`` is true) to the sample whose effective size is called ``name``."""
        weights = weights.detach().to(finest(weights.device))
        if weights.device.type != "cpu":
            weights = torch.where(mask, weights, torch.zeros_like(weights))
            self._there.append((name, torch.stack([mask.sum().to(weights.dtype), weights.sum(), weights.square().sum()])))
            return
        weights = weights[mask]
        self._add_weights(name, weights.numel(), float(weights.sum()), float(weights.square().sum()))

    def _add_weights(self, name: str, *more: float) -> None:
        count, total, square = map(sum, zip(self.weights.get(name, (0.0, 0.0, 0.0)), more, strict=True))
        self.weights[name] = (count, total, square)

    def highest(self, name: str, value: float | Tensor) -> None:
        """Keep the largest value seen."""
        self._keep(name, value, max)

    def lowest(self, name: str, value: float | Tensor) -> None:
        """Keep the smallest value seen."""
        self.lows.add(name)
        self._keep(name, value, min)

    def _keep(self, name: str, value: float | Tensor, of: Callable[[float, float], float]) -> None:
        if isinstance(value, Tensor) and value.device.type != "cpu":
            self._there.append((name, value.detach().to(finest(value.device)).view(1)))
            return
        self._extremes[name] = of(float(value), self._extremes.get(name, float(value)))

    def settle(self) -> None:
        """Read what is still on a device."""
        waiting, self._there = self._there, []
        by_device: dict[torch.device, list[tuple[str, Tensor]]] = {}
        for name, found in waiting:
            by_device.setdefault(found.device, []).append((name, found))
        for some in by_device.values():
            numbers = iter(torch.cat([found for _, found in some]).cpu().tolist())
            for name, found in some:
                values = [next(numbers) for _ in found]
                if len(values) == 1:
                    if math.isfinite(values[0]):  # else of nothing
                        (self.lowest if name in self.lows else self.highest)(name, values[0])
                else:
                    {2: self.add_sum, 3: self._add_weights}[len(values)](name, *values)

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
