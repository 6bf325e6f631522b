"""Tiles: functionals of the next-step distribution from hidden states, without ever holding all logits.

    logits = W h / temperature        [R, V], a tile of R rows at a time; of each model once, however many functionals are asked for

A tile is dropped when its functionals are known; the backward pass computes it again and asks them for their gradients:

    d logits = p * sum_f factor_f + sum_f rest_f,    d h = d logits W,    d W = d logits^T h

The functionals are the files of ``functionals``; nothing here knows any of them. Where a kernel computes all that is asked for, it does
(``functionals._together``).

Source: ours.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from guerdon.errors import InputError
from guerdon.models.language import functionals as room
from guerdon.models.language.functionals import _together
from guerdon.quantities import Name

TILE = 2**22  # logits that exist at once: 16 MB in float32, which the allocator of glibc still serves from memory it has
SHARE = 1 / 8  # of the memory that a card has free goes to a tile
BYTES = 16  # that a logit takes while its tile lasts: itself, in float32, what it is normalised to and its gradient
LARGEST = 2**30  # more makes no product faster, and indices of 32 bits still reach all of it
MULTIPLE = (
    64  # rows are filled up to a multiple of this: few distinct shapes, for each of which a CPU's products are prepared, and keep memory
)


def _found() -> dict[str, type[room.Functional]]:
    modules = {
        info.name: importlib.import_module(f"{room.__name__}.{info.name}")
        for info in pkgutil.iter_modules(room.__path__)
        if info.name[0] != "_"
    }
    return {
        name: next(v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__)
        for name, module in modules.items()
    }


FUNCTIONALS = _found()
OWN = frozenset(name for name, kind in FUNCTIONALS.items() if not kind.compares)  # of the policy alone
COMPARING = frozenset(FUNCTIONALS) - OWN  # of the policy and a view


def logits_at_once(device: torch.device) -> int:
    """How many logits a tile holds: on a CPU what its cache and its allocator like, on a card, to which every tile is a product and some launches, a share of its memory."""
    return _of_card(device) if device.type == "cuda" else TILE


@cache
def _of_card(device: torch.device) -> int:
    """A share of what is free there when it is first asked, as a power of two, and found once: how sums are cut up changes their last digits, and a run that is gone on with
    is to find what it found."""
    free, _ = torch.cuda.mem_get_info(device)
    held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # by the allocator, for nobody
    most = int(SHARE * (free + held) / BYTES)
    return min(max(2 ** (most.bit_length() - 1) if most else 0, TILE), LARGEST)


@dataclass(frozen=True)
class NextSteps:
    """A model's next-step distributions at S steps, without their logits: ``read`` turns rows of ``states`` [S, ...] into logits [R, V]."""

    states: Tensor
    read: Callable[[Tensor], Tensor]


class Tile:
    """R steps: the logits (divided by the temperature) of the policy, the steps taken, and on request what the views say of them."""

    def __init__(self, logits: Tensor, taken: Tensor, others: Mapping[str, NextSteps], temperature: float):
        self.logits, self.taken = logits, taken
        self._others, self._temperature = others, temperature
        self._once: dict[Any, Tensor] = {}

    @property
    def fine(self) -> Tensor:
        """The logits [R, V] in float32, or float64 where they already are."""
        return _fine(self.logits)

    @property
    def logp(self) -> Tensor:
        """[R, V], log-probabilities under the policy, in float32 or better."""
        return self.once(_logp)

    @property
    def p(self) -> Tensor:
        """[R, V], probabilities, a tensor of its own; in the format of the logits where nothing finer has been computed."""
        return self.logp.exp() if _logp in self._once else self.logits.softmax(-1)

    def logp_of(self, view: str) -> Tensor:
        """[R, V], log-probabilities under the view."""
        found = self.logp_in_its_words(view)
        if found.shape != self.logits.shape:
            raise InputError(
                f"the view {view!r} chooses among {found.shape[-1]} next steps and the policy among {self.logits.shape[-1]}, so that they cannot "
                "be compared; bind a model with the policy's vocabulary"
            )
        return found

    def logp_in_its_words(self, view: str) -> Tensor:
        """[R, W], log-probabilities under the view, of the W steps that it has, whatever they are; no numbers where it says nothing."""
        if view not in self._once:
            self._once[view] = self._read(view)
        return self._once[view]

    def once(self, compute: Callable[["Tile"], Tensor]) -> Tensor:
        """``compute(tile)``, computed once for all functionals that ask for it."""
        if compute not in self._once:
            self._once[compute] = compute(self)
        return self._once[compute]

    @torch.no_grad()
    def _read(self, view: str) -> Tensor:
        other = self._others[view]
        logits = other.read(F.pad(other.states, (0, 0, 0, len(self.logits) - len(other.states))))
        return _fine(_scaled(logits.to(self.logits.device), self._temperature)).log_softmax(-1)


def functionals(
    head: nn.Module,
    hidden: Tensor,
    taken: Tensor,
    temperature: float,
    names: Sequence[str],
    others: Mapping[str, NextSteps] | None = None,
) -> list[Tensor]:
    """The named functionals, [S] or [S, K], of ``head(hidden)`` with hidden states [S, D], tile by tile.

    Args:
        names: names of the glossary; those that compare have a view (``ref_kl``).
        others: the views' next steps at the same S steps.
    """
    if not names:
        return []
    work = _Work.of(names, others or {}, temperature, head.weight.shape[0], hidden.device)
    if not len(hidden):
        return list(work.values(lambda _: hidden.new_zeros(0, head.weight.shape[0]), taken))[: len(names)]
    if type(head) is nn.Linear:
        size, spare = len(hidden), -len(hidden) % min(work.rows, MULTIPLE)
        hidden, taken = F.pad(hidden, (0, 0, 0, spare)), F.pad(taken, (0, spare))
        return [value[:size] for value in _OfHidden.apply(hidden, head.weight, head.bias, taken, work)]

    def one(tile: Tensor, steps: Tensor, part: _Work) -> tuple[Tensor, ...]:
        return _OfLogits.apply(head(tile), steps, part)

    again = partial(checkpoint, one, use_reentrant=False, preserve_rng_state=False) if torch.is_grad_enabled() else one
    found = [again(hidden[some], taken[some], work.part(some)) for some in work.slices(len(hidden))]
    return [torch.cat(each) for each in zip(*found, strict=True)]


def of_logits(
    logits: Tensor, taken: Tensor, temperature: float, names: Sequence[str], others: Mapping[str, NextSteps] | None = None
) -> list[Tensor]:
    """The same where the logits [S, V] exist."""
    if not names:
        return []
    return list(_OfLogits.apply(logits, taken, _Work.of(names, others or {}, temperature, logits.shape[-1], logits.device)))


@dataclass(frozen=True)
class _Work:
    """What is to be computed, ``rows`` at a time."""

    asked: tuple[room.Functional, ...]
    others: Mapping[str, NextSteps]
    temperature: float
    rows: int

    @classmethod
    def of(cls, names: Sequence[str], others: Mapping[str, NextSteps], temperature: float, size: int, device: torch.device) -> "_Work":
        parsed = [Name.parse(name) for name in names]
        rows = max(logits_at_once(device) // size, 16)
        return cls(tuple(FUNCTIONALS[n.quantity](n.view, n.at) for n in parsed), others, temperature, rows)

    def slices(self, size: int) -> Iterator[slice]:
        return (slice(first, first + self.rows) for first in range(0, max(size, 1), self.rows))

    def part(self, some: slice) -> "_Work":
        """The work on some of the rows."""
        return replace(self, others={view: replace(other, states=other.states[some]) for view, other in self.others.items()})

    def values(self, logits_of: Callable[[slice], Tensor], taken: Tensor) -> tuple[Tensor, ...]:
        """What is asked for, and then whatever else the backward pass may be glad of."""
        found: list[Tensor] = []
        for some in self.slices(len(taken)):
            for i, value in enumerate(self._of(logits_of(some), taken, some)):
                if len(found) == i:
                    found.append(value.new_empty((len(taken), *value.shape[1:])))
                found[i][some] = value  # kept as it came, it would lie where the tile was, and the next one would not fit there
        return tuple(found)

    def _of(self, logits: Tensor, taken: Tensor, some: slice) -> list[Tensor]:
        if _together.fits(self.asked, logits):
            return _together.values(self.asked, logits, taken[some], self.temperature)
        tile = self._tile(logits, taken, some)
        return [functional.value(tile) for functional in self.asked]

    def derivative(
        self, logits: Tensor, taken: Tensor, some: slice, values: Sequence[Tensor], gradients: Sequence[Tensor | None]
    ) -> Tensor:
        """Of everything that has a gradient with respect to a tile's logits, [R, V], in their format, which may be overwritten."""
        if _together.fits(self.asked, logits):
            own = [value[some] for value in values], [None if g is None else g[some] for g in gradients]
            return _together.gradient(self.asked, logits, taken[some], self.temperature, *own)
        tile = self._tile(logits, taken, some)
        reached = [(f, v[some], g[some]) for f, v, g in zip(self.asked, values, gradients, strict=True) if g is not None]
        factor = None
        for functional, value, gradient in reached:
            more = functional.factor(tile, value, gradient)
            if factor is not None:
                more = more.add_(factor) if more.shape[-1] >= factor.shape[-1] else factor.add_(more)
            factor = more
        d = tile.p
        d = d.mul_(factor.to(d.dtype))
        for functional, value, gradient in reached:
            functional.rest(d, tile, value, gradient)
        return _scaled(d.to(logits.dtype), self.temperature)

    def _tile(self, logits: Tensor, taken: Tensor, some: slice) -> Tile:
        return Tile(_scaled(logits, self.temperature), taken[some], self.part(some).others, self.temperature)


class _OfHidden(torch.autograd.Function):
    """For an output head that is one matrix."""

    @staticmethod
    def forward(ctx: Any, hidden, weight, bias, taken, work):
        values = work.values(lambda some: F.linear(hidden[some], weight, bias), taken)
        return _kept(ctx, work, values, hidden, weight, bias, taken)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None):
        hidden, weight, bias, taken, *values = ctx.saved_tensors
        if all(g is None for g in gradients):
            return None, None, None, None, None
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        kind = torch.promote_types(weight.dtype, torch.float32)
        dh = torch.empty_like(hidden) if wants_hidden else None
        dw = torch.zeros(weight.shape, dtype=kind, device=weight.device) if wants_weight else None
        db = torch.zeros(bias.shape, dtype=kind, device=bias.device) if wants_bias else None
        for some in ctx.work.slices(len(hidden)):
            tile = hidden[some]
            d = ctx.work.derivative(F.linear(tile, weight, bias), taken, some, values, gradients)
            if dh is not None:
                torch.mm(d, weight, out=dh[some])
            if dw is not None:
                if dw.dtype == d.dtype:
                    dw.addmm_(d.t(), tile)
                else:
                    dw += d.t() @ tile
            if db is not None:
                db += d.sum(0)
        dw, db = (x if x is None else x.to(weight.dtype) for x in (dw, db))
        return dh, dw, db, None, None


class _OfLogits(torch.autograd.Function):
    """For logits that exist."""

    @staticmethod
    def forward(ctx: Any, logits, taken, work):
        values = work.values(lambda some: logits[some], taken)
        return _kept(ctx, work, values, logits, taken)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None):
        logits, taken, *values = ctx.saved_tensors
        if all(g is None for g in gradients):
            return None, None, None
        d = torch.empty_like(logits)
        for some in ctx.work.slices(len(logits)):
            own = logits[some].clone(memory_format=torch.contiguous_format)
            d[some] = ctx.work.derivative(own, taken, some, values, gradients)
        return d, None, None


def _kept(ctx: Any, work: _Work, values: tuple[Tensor, ...], *inputs: Tensor) -> tuple[Tensor, ...]:
    """What is asked for; everything is kept for the backward pass."""
    ctx.work = work
    ctx.save_for_backward(*inputs, *values)
    asked = values[: len(work.asked)]
    ctx.mark_non_differentiable(*(value for value in asked if not value.is_floating_point()))
    ctx.set_materialize_grads(False)
    return asked


def _logp(tile: Tile) -> Tensor:
    return tile.fine.log_softmax(-1)


def _fine(logits: Tensor) -> Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _scaled(x: Tensor, temperature: float) -> Tensor:
    return x if temperature == 1.0 else x / temperature
