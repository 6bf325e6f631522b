"""Filling: as many tokens at once as fit on a card, by what the first gradient steps took there.

    tokens = SHARE * free / (peak while a micro-batch was learned from - before) * its tokens,        by the largest micro-batch of a step, the least of all processes

What is allocated once for a micro-batch whatever its size, gradients above all, counts as if it grew with it: so the first guess is too small rather than too large, and a larger
micro-batch gives a better one. After ``STEPS`` it stays, and where memory runs out it is halved like every other number.

Source: ours.
"""

from typing import Any, Protocol

import torch

from guerdon.memory import AtOnce
from guerdon.processes import here
from guerdon.saying import say
from guerdon.training.recipe import Budget

SHARE = 0.8  # of what is free; the rest is for longer rows and for what lies between allocations
STEPS = 3  # gradient steps that are looked at, after the first


class Meter(Protocol):
    """Says how much memory is taken, in bytes, without waiting for the device."""

    def begin(self) -> None:
        """From now on the peak is looked for."""
        ...

    def taken(self) -> int:
        """The peak since then, above what was taken then."""
        ...

    def free(self) -> int:
        """What could be allocated."""
        ...


class Card:
    """The allocator of ``torch`` on a card."""

    def __init__(self, device: torch.device):
        self.device, self.before = device, 0

    def begin(self) -> None:
        torch.cuda.reset_peak_memory_stats(self.device)
        self.before = torch.cuda.memory_allocated(self.device)

    def taken(self) -> int:
        return torch.cuda.max_memory_allocated(self.device) - self.before

    def free(self) -> int:
        kept = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return torch.cuda.mem_get_info(self.device)[0] + kept


class Filling(AtOnce):
    """So many tokens at once as fit: ``start`` until something is known."""

    def __init__(self, start: int, meter: Meter):
        super().__init__(start)
        self.meter, self.left = meter, STEPS + 1
        self.fits: tuple[int, float] | None = None  # tokens of this step's largest micro-batch, and of one that would fit

    def begin(self) -> None:
        """A micro-batch is about to be learned from."""
        if self.left:
            self.free = self.meter.free()
            self.meter.begin()

    def seen(self, tokens: int) -> None:
        """It has been, and had so many tokens."""
        if self.left:
            fits = tokens, SHARE * self.free * tokens / max(self.meter.taken(), 1)
            self.fits = fits if self.fits is None or tokens > self.fits[0] else self.fits

    def went_well(self) -> None:
        """All micro-batches of the step were learned from, on every process."""
        if not self.left:
            return
        found = [fits[1] for fits in here().each(lambda: self.fits, "how much fits") if fits is not None]
        self.left, self.fits = self.left - 1, None
        if found and self.left < STEPS:  # after the first step, in which the optimiser has made room for what it keeps
            self.most = max(int(min(found)), 1)
        if not self.left:
            say(
                f"up to {self.most:,} tokens go through the model at once, as many as fit (budget.tokens_per_micro_batch={self.most} begins with them)"
            )

    def ran_out(self) -> None:
        """It was too much: what is tried from now on is not looked at."""
        self.left = 0


def at_once_of(budget: Budget, model: Any) -> AtOnce:
    """As many tokens as the budget says; where it says as many as fit, what a card takes is looked at."""
    if budget.tokens_per_micro_batch:
        return AtOnce(budget.tokens_per_micro_batch)
    start, device = Budget.tokens_per_micro_batch, torch.device(getattr(model, "device", "cpu"))
    if device.type == "cuda":
        return Filling(start, Card(device))
    say(f"budget.tokens_per_micro_batch is 0, as many as fit on a card, and the model is on {device.type}: {start:,} go through it at once")
    return AtOnce(start)
