"""Functionals of the next-step distribution, computed from hidden states without ever holding all logits.

    logits = W h / temperature      [S, V], a tile of rows at a time
    logp   = logits[taken] - logsumexp(logits)
    H      = -sum_v p_v log p_v

The backward pass computes a tile's logits again:

    d logits = g_logp (onehot(taken) - p) - g_H p (log p + H),    d h = d logits W,    d W = d logits^T h

Source: ours; the derivatives are those of the formulas above.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from guerdon.models import kernels

TILE = 2**22  # logits that exist at once: 16 MB in float32, which the allocator of glibc still serves from memory it has
MULTIPLE = (
    64  # rows are filled up to a multiple of this: few distinct shapes, for each of which a CPU's products are prepared, and keep memory
)


def log_probability(logits: Tensor, taken: Tensor) -> Tensor:
    """Log-probability of the step taken, [S], in float32 or better."""
    return _fine(logits).log_softmax(-1).gather(-1, taken.unsqueeze(-1)).squeeze(-1)


def entropy(logits: Tensor, taken: Tensor) -> Tensor:
    """Entropy of the next-step distribution, [S], in nats."""
    logp = _fine(logits).log_softmax(-1)
    return -(logp.exp() * logp).sum(-1)


# What ``measure`` can compute from logits [S, V] and the steps taken [S].
FUNCTIONALS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"logp": log_probability, "entropy": entropy}


def functionals(head: nn.Module, hidden: Tensor, taken: Tensor, temperature: float, names: Sequence[str]) -> list[Tensor]:
    """The named functionals [S] of ``head(hidden)`` with hidden states [S, D], tile by tile."""
    rows = max(TILE // head.weight.shape[0], 16)
    if not len(hidden) or not names:
        return [hidden.new_zeros(0, dtype=torch.promote_types(hidden.dtype, torch.float32)) for _ in names]
    if type(head) is nn.Linear:
        size, spare = len(hidden), -len(hidden) % min(rows, MULTIPLE)
        hidden, taken = F.pad(hidden, (0, 0, 0, spare)), F.pad(taken, (0, spare))
        both = _LogpAndEntropy.apply(hidden, head.weight, head.bias, taken, temperature, rows, "entropy" in names)
        found = dict(zip(("logp", "entropy"), both, strict=True))
        return [found[name][:size] for name in names]

    def one(tile: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        logits = head(tile) / temperature
        return tuple(FUNCTIONALS[name](logits, steps) for name in names)

    tiles = zip(hidden.split(rows), taken.split(rows), strict=True)
    if torch.is_grad_enabled():
        found = [checkpoint(one, tile, steps, use_reentrant=False, preserve_rng_state=False) for tile, steps in tiles]
    else:
        found = [one(tile, steps) for tile, steps in tiles]
    return [torch.cat(each) for each in zip(*found, strict=True)]


class _LogpAndEntropy(torch.autograd.Function):
    """Both at once for an output head that is one matrix. The entropy is left out (None) where nobody asks for it."""

    @staticmethod
    def forward(ctx: Any, hidden, weight, bias, taken, temperature, rows, with_entropy):
        found = [
            _measured(F.linear(tile, weight, bias), steps, temperature, with_entropy)
            for tile, steps in zip(hidden.split(rows), taken.split(rows), strict=True)
        ]
        logp, total, entropy = (torch.cat(each) if each[0] is not None else None for each in zip(*found, strict=True))
        ctx.save_for_backward(hidden, weight, bias, taken, total, entropy)
        ctx.temperature, ctx.rows = temperature, rows
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, of_logp: Tensor | None, of_entropy: Tensor | None):
        hidden, weight, bias, taken, total, entropy = ctx.saved_tensors
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        kind = torch.promote_types(weight.dtype, torch.float32)
        dh = torch.empty_like(hidden) if wants_hidden else None
        dw = torch.zeros(weight.shape, dtype=kind, device=weight.device) if wants_weight else None
        db = torch.zeros(bias.shape, dtype=kind, device=bias.device) if wants_bias else None
        for first in range(0, len(hidden), ctx.rows):
            some = slice(first, first + ctx.rows)
            tile = hidden[some]
            known = taken[some], *(None if x is None else x[some].contiguous() for x in (total, entropy, of_logp, of_entropy))
            d = _gradient(F.linear(tile, weight, bias), ctx.temperature, *known)
            if dh is not None:
                torch.mm(d, weight, out=dh[some])
            if dw is not None:
                dw += d.t() @ tile
            if db is not None:
                db += d.sum(0)
        dw, db = (x if x is None else x.to(weight.dtype) for x in (dw, db))
        return dh, dw, db, None, None, None, None


def _measured(logits: Tensor, taken: Tensor, temperature: float, with_entropy: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Log-probability, log of the sum of exponentials, and entropy, [S], in float32 or better."""
    if kernels.can(logits):
        return kernels.measure(logits, taken, temperature, with_entropy)
    scaled = _fine(_scaled(logits, temperature))
    total = scaled.logsumexp(-1)
    logp = scaled.gather(-1, taken.unsqueeze(-1)).squeeze(-1) - total
    if not with_entropy:
        return logp, total, None
    every = scaled - total.unsqueeze(-1)
    return logp, total, -(every.exp() * every).sum(-1)


def _gradient(
    logits: Tensor,
    temperature: float,
    taken: Tensor,
    total: Tensor,
    entropy: Tensor | None,
    of_logp: Tensor | None,
    of_entropy: Tensor | None,
) -> Tensor:
    """That of the logits, which may be overwritten."""
    if kernels.can(logits):
        return kernels.measure_back(logits, taken, temperature, total, entropy, of_logp, of_entropy)
    every = _fine(_scaled(logits, temperature)) - total.unsqueeze(-1)
    g = torch.zeros_like(total) if of_logp is None else of_logp
    d = every.exp()
    if of_entropy is None:
        d.mul_(-g.unsqueeze(-1))
    else:
        d.mul_((every + entropy.unsqueeze(-1)).mul_(of_entropy.unsqueeze(-1)).add_(g.unsqueeze(-1))).neg_()
    d.scatter_add_(-1, taken.unsqueeze(-1), g.unsqueeze(-1).to(d.dtype))
    return _scaled(d, temperature).to(logits.dtype)


def _fine(logits: Tensor) -> Tensor:
    """In float32, or float64 where they already are."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _scaled(x: Tensor, temperature: float) -> Tensor:
    return x if temperature == 1.0 else x / temperature
