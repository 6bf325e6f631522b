"""Attention over a layout: exact, in blocks whose scores are dropped at once and computed again in the backward pass.

    S = scale * Q K^T over the trunk and the branch's own past;    P = softmax(S);    O = P V
    dV = P^T dO;    dS = P * (dO V^T - rowsum(dO * O));    dQ = scale * dS K;    dK = scale * dS^T Q

It takes the place of a model's attention function (``transformers`` calls it wherever it would call its own), with grouped heads as they
are: no key is repeated for the queries that share it.

Source: the backward pass with recomputed probabilities is FlashAttention's, arXiv 2205.14135, section 3.1 and appendix B.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from guerdon.models.language.layout import Block

NAME = "guerdon_layout"


class NotSupported(Exception):
    """The model asks of its attention what is not done here: the plain path is to be taken."""


class Blocks:
    """How queries attend while a layout goes through a model: each token once, to the trunk and branch that it is on."""

    def __init__(self, blocks: list[Block], longest: int):
        self.blocks, self.longest = blocks, longest

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """``query`` [T, H, D], ``key`` and ``value`` [T, K, D] with K dividing H → [T, H, D]."""
        return _Attention.apply(query, key, value, self.blocks, scale)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    *,
    attending: Any = None,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """What ``transformers`` calls in every layer, with tensors [1, H, T, D]; ``attending`` says how queries attend.

    Raises:
        NotSupported: the layer wants more than scaled dot products over the whole past.
    """
    window = sliding_window is not None and attending is not None and sliding_window < attending.longest
    if attending is None or window or others.get("softcap") or others.get("s_aux") is not None or others.get("position_bias") is not None:
        raise NotSupported
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    query, key, value = (x[0].transpose(0, 1) for x in (query, key, value))
    return attending.attend(module.layer_idx, query, key, value, scale).unsqueeze(0), None


ALL_ATTENTION_FUNCTIONS.register(NAME, attention)


@contextlib.contextmanager
def in_place_of_its_own(body: nn.Module) -> Iterator[None]:
    """Inside, the model attends by ``attention``."""
    config = body.config
    own = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = own


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, blocks: list[Block], scale: float) -> Tensor:
        out = torch.zeros_like(query, memory_format=torch.contiguous_format)
        for block in blocks:
            here = _Gathered(block, query, key, value, scale)
            out[here.places] = here.flat(here.attended())
        ctx.save_for_backward(query, key, value, out)
        ctx.blocks, ctx.scale = blocks, scale
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, out = ctx.saved_tensors
        kind = torch.promote_types(query.dtype, torch.float32)
        dq = torch.zeros_like(query, memory_format=torch.contiguous_format)
        dk, dv = (torch.zeros(x.shape, dtype=kind, device=x.device) for x in (key, value))
        delta = (gradient * out).sum(-1, keepdim=True, dtype=kind)
        for block in ctx.blocks:
            here = _Gathered(block, query, key, value, ctx.scale)
            dq[here.places] = here.flat(here.backward(gradient, delta, dk, dv))
        return dq, dk.to(key.dtype), dv.to(value.dtype), None, None


class _Gathered:
    """A block's queries [N, K, G, R, C', D], its own keys and values [N, K, G, C, D] and those of its trunks [N, K, L, D], where R query heads
    share each of K key heads, and the probabilities with which they are attended to."""

    def __init__(self, block: Block, query: Tensor, key: Tensor, value: Tensor, scale: float):
        self.block, self.scale = block, scale
        n, g, c = block.own.shape
        self.heads, self.shared = key.shape[1], query.shape[1] // key.shape[1]
        self.n, self.g, self.c = n, g, c - block.first
        self.places = block.own[:, :, block.first :][block.real]
        self.q = self.queries(query)
        self.k, self.v = self._own(key), self._own(value)
        rows, width = self.shared * self.c, self.q.shape[-1]
        own = torch.baddbmm(self._past(), self.q.view(-1, rows, width), self.k.transpose(1, 2), alpha=scale)
        if block.trunk is None:
            self.trunk_k = self.trunk_v = None
            self.p = own.softmax(-1)
            return
        self.trunk_k, self.trunk_v = self._trunk(key), self._trunk(value)
        whole = self.q.view(n * self.heads, -1, width)
        if block.absent is None:
            trunk = torch.bmm(whole, self.trunk_k.transpose(1, 2)).mul_(scale)
        else:
            absent = torch.zeros(block.absent.shape, dtype=whole.dtype, device=whole.device).masked_fill_(block.absent, -torch.inf)
            absent = absent.repeat_interleave(self.heads, 0).unsqueeze(1)
            trunk = torch.baddbmm(absent, whole, self.trunk_k.transpose(1, 2), alpha=scale)
        self.size = trunk.shape[-1]
        both = torch.cat([trunk.view(-1, rows, self.size), own], -1).softmax(-1)
        self.trunk_p = both[..., : self.size].reshape(n * self.heads, -1, self.size)
        self.p = both[..., self.size :]

    def attended(self) -> Tensor:
        """P V, like the queries."""
        out = torch.bmm(self.p, self.v)
        if self.trunk_k is not None:
            out = out.view(self.n * self.heads, -1, out.shape[-1]).baddbmm_(self.trunk_p, self.trunk_v)
        return out

    def backward(self, gradient: Tensor, delta: Tensor, dk: Tensor, dv: Tensor) -> Tensor:
        """dQ, like the queries; what falls to keys and values is added to ``dk`` and ``dv`` [T, K, D]."""
        real = self.block.real[..., None, None]
        g, d = self.queries(gradient, real), self.queries(delta, real)
        rows, width = self.shared * self.c, self.q.shape[-1]
        g, d, q = g.view(-1, rows, width), d.view(-1, rows, 1), self.q.view(-1, rows, width)
        ds = torch.bmm(g, self.v.transpose(1, 2)).sub_(d).mul_(self.p)
        self._add(dv, self.block.own, torch.bmm(self.p.transpose(1, 2), g))
        self._add(dk, self.block.own, torch.bmm(ds.transpose(1, 2), q).mul_(self.scale))
        dq = torch.bmm(ds, self.k)
        if self.trunk_k is not None:
            g, d, q = (x.view(self.n * self.heads, -1, x.shape[-1]) for x in (g, d, q))
            ds = torch.bmm(g, self.trunk_v.transpose(1, 2)).sub_(d).mul_(self.trunk_p)
            self._add(dv, self.block.trunk, torch.bmm(self.trunk_p.transpose(1, 2), g))
            self._add(dk, self.block.trunk, torch.bmm(ds.transpose(1, 2), q).mul_(self.scale))
            dq = dq.view(self.n * self.heads, -1, width).baddbmm_(ds, self.trunk_k)
        return dq.mul_(self.scale)

    def queries(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """[T, H, D] → [N, K, G, R, C', D], zero where ``real`` is not true."""
        found = x[self.block.own[:, :, self.block.first :]]
        found = found if real is None else found * real
        return found.view(self.n, self.g, self.c, self.heads, self.shared, -1).permute(0, 3, 1, 4, 2, 5).contiguous()

    def flat(self, x: Tensor) -> Tensor:
        """Like the queries → [S, H, D], one for each of ``places``."""
        x = x.view(self.n, self.heads, self.g, self.shared, self.c, -1).permute(0, 2, 4, 1, 3, 5)[self.block.real]
        return x.flatten(1, 2)

    def _own(self, x: Tensor) -> Tensor:
        return x[self.block.own].permute(0, 3, 1, 2, 4).flatten(0, 2)

    def _trunk(self, x: Tensor) -> Tensor:
        return x[self.block.trunk].permute(0, 2, 1, 3).flatten(0, 1)

    def _past(self) -> Tensor:
        """0 where a query comes after a key or is at its place, minus infinity elsewhere: [1, R C', C]."""
        c = self.block.own.shape[2]
        future = torch.full((self.c, c), -torch.inf, dtype=self.q.dtype, device=self.q.device).triu_(1 + self.block.first)
        return future.repeat(self.shared, 1).unsqueeze(0)

    def _add(self, total: Tensor, places: Tensor, x: Tensor) -> None:
        """Add what belongs to keys [N*K(*G), C or L, D] where they lie."""
        n, k, g = self.n, self.heads, places.shape[1] if places.dim() > 2 else 1
        x = x.view(n, k, g, -1, x.shape[-1]).permute(0, 2, 3, 1, 4).flatten(0, 2)
        total.index_add_(0, places.flatten(), x.to(total.dtype))
