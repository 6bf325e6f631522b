"""Attention over a layout: exact, in blocks whose scores are dropped at once and computed again in the backward pass.

    S = scale * Q K^T over the trunk and the branch's own past;    P = softmax(S);    O = P V
    dV = P^T dO;    dS = P * (dO V^T - rowsum(dO * O));    dQ = scale * dS K;    dK = scale * dS^T Q

It takes the place of a model's attention function (``transformers`` calls it wherever it would call its own), with grouped heads as they
are: no key is repeated for the queries that share it.

Source: the backward pass with recomputed probabilities is FlashAttention's, arXiv 2205.14135, section 3.1 and appendix B.
"""

import contextlib
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from guerdon.models import kernels
from guerdon.models.language.checkpointing import Again, going_through
from guerdon.models.language.layout import Block, Layout, Shape

NAME = "guerdon_layout"


class NotSupported(Exception):
    """The model asks of its attention what is not done here: the plain path is to be taken."""


class Attending:
    """How queries attend while a layout goes through a model: each token once, to the trunk and branch that it is on.

    Attributes:
        longest: the length of the longest sequence, or that to which it may still grow.
    """

    def __init__(self, layout: Layout, shape: Shape, device: torch.device, longest: int | None = None):
        self.layout, self.shape, self.device = layout, shape, device
        self.longest = layout.longest if longest is None else longest

    @cached_property
    def blocks(self) -> list[Block]:
        """What is attended to together."""
        return self.layout.blocks(self.shape, self.device)

    @cached_property
    def families(self) -> kernels.Families:
        """Where the sequences lie."""
        return self.layout.families()

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """``query`` [T, H, D], ``key`` and ``value`` [T, K, D] with K dividing H → [T, H, D]."""
        if kernels.can_attend(query):
            return _OfFamilies.apply(query, key, value, self.families, scale)
        return _Attention.apply(query, key, value, self.blocks, scale)


class Kept(Attending):
    """Attention over contexts, which keeps their keys and values, by layer."""

    @cached_property
    def kept(self) -> dict[int, tuple[Tensor, Tensor]]:
        return {}

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        self.kept[layer] = key, value
        return super().attend(layer, query, key, value, scale)


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


def by_its_own_code(body: nn.Module, tokens: Tensor, positions: Tensor, attending: Any, again: Again | None = None) -> Tensor:
    """The last hidden states [T, D] of a row of tokens, by the model's code with ``attention`` in the place of its own. ``again``: see ``checkpointing``.

    Raises:
        NotSupported: the model cannot attend so.
    """
    here = partial(_attending, body.config)
    with here(), going_through(body, again and again.also(here)):
        return body(
            input_ids=tokens.unsqueeze(0), position_ids=positions.unsqueeze(0), use_cache=False, attending=attending
        ).last_hidden_state[0]


@contextlib.contextmanager
def _attending(config: Any) -> Iterator[None]:
    """Within, a model of this configuration calls ``attention``."""
    own = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = own


class _OfFamilies(torch.autograd.Function):
    """By a kernel, a family after the other."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, families: kernels.Families, scale: float) -> Tensor:
        q, k, v = (x.contiguous() for x in (query, key, value))
        out, total = kernels.attend(q, k, v, families, scale)
        ctx.save_for_backward(q, k, v, out, total)
        ctx.families, ctx.scale = families, scale
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, out, total = ctx.saved_tensors
        gradient = gradient.contiguous()
        delta = kernels.dot(gradient.flatten(0, 1), out.flatten(0, 1))
        return *kernels.attend_back(q, k, v, gradient, total, delta, ctx.families, ctx.scale), None, None


class _Attention(torch.autograd.Function):
    """Tensors are [T, heads, D] and, seen as rows of one head of one token, [T * heads, D]: a block's tokens are gathered and put back by one
    index each."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, blocks: list[Block], scale: float) -> Tensor:
        q, k, v = (x.reshape(-1, x.shape[-1]) for x in (query, key, value))
        out = torch.zeros_like(q)
        for block in blocks:
            out.index_copy_(0, block.queries, _Gathered(block, q, k, v, scale).attended().view(-1, q.shape[-1]))
        ctx.save_for_backward(q, k, v, out)
        ctx.blocks, ctx.scale, ctx.shapes = blocks, scale, (query.shape, key.shape)
        return out.view(query.shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, out = ctx.saved_tensors
        gradient = gradient.reshape(q.shape)
        delta = kernels.dot(gradient, out) if kernels.can(q) else (gradient * out).sum(-1)
        dq, dk, dv = (torch.zeros_like(x) for x in (q, k, v))
        for block in ctx.blocks:
            found = _Gathered(block, q, k, v, ctx.scale).backward(gradient, delta, dk, dv)
            dq.index_copy_(0, block.queries, found.view(-1, q.shape[-1]))
        queries, keys = ctx.shapes
        return dq.view(queries), dk.view(keys), dv.view(keys), None, None


class _Gathered:
    """A block's queries [N*K*G, R*C', D], its own keys and values [N*K*G, C, D] and those of its trunks [N*K, L, D], where R query heads share
    each of K key heads, and the probabilities with which they are attended to.

    What is padding attends to what is there, is put back on a token that nobody reads, and so has no gradient.
    """

    def __init__(self, block: Block, query: Tensor, key: Tensor, value: Tensor, scale: float):
        self.block, self.scale, self.width = block, scale, query.shape[-1]
        self.q = self._queries(query)
        self.k, self.v = (x.index_select(0, block.own).view(block.branches, -1, self.width) for x in (key, value))
        if block.trunk is not None:
            self.trunk_k, self.trunk_v = (x.index_select(0, block.trunk).view(block.trunks, -1, self.width) for x in (key, value))
        self.trunk_p, self.p = self._by_kernel() if kernels.can(query) else self._by_operations()

    def _by_kernel(self) -> tuple[Tensor | None, Tensor]:
        own, trunk, block = torch.bmm(self.q, self.k.transpose(1, 2)), None, self.block
        if block.trunk is not None:
            trunk = torch.bmm(self._by_trunk(self.q), self.trunk_k.transpose(1, 2))
        flat = None if trunk is None else trunk.flatten(0, 1)
        per_trunk = own.shape[0] * own.shape[1] // block.trunks
        kernels.softmax(flat, own.flatten(0, 1), block.seen, per_trunk, block.first, block.steps, self.scale)
        return trunk, own

    def _by_operations(self) -> tuple[Tensor | None, Tensor]:
        block, dtype = self.block, self.q.dtype
        own = torch.baddbmm(block.future(dtype), self.q, self.k.transpose(1, 2), alpha=self.scale)
        if block.trunk is None:
            return None, own.softmax(-1)
        trunk = torch.baddbmm(block.absent_from(dtype), self._by_trunk(self.q), self.trunk_k.transpose(1, 2), alpha=self.scale)
        size = trunk.shape[-1]
        both = torch.cat([trunk.view(block.branches, -1, size), own], -1).softmax(-1)
        return self._by_trunk(both[..., :size]), both[..., size:]

    def attended(self) -> Tensor:
        """P V, like the queries."""
        out = torch.bmm(self.p, self.v)
        return out if self.block.trunk is None else self._by_trunk(out).baddbmm_(self.trunk_p, self.trunk_v)

    def backward(self, gradient: Tensor, delta: Tensor, dk: Tensor, dv: Tensor) -> Tensor:
        """dQ, like the queries; what falls to keys and values is added to ``dk`` and ``dv``."""
        g, d = self._queries(gradient), delta.index_select(0, self.block.queries)
        ds = self._of_scores(self.p, g, self.v, d)
        self._add(dv, self.block.own, torch.bmm(self.p.transpose(1, 2), g))
        self._add(dk, self.block.own, torch.bmm(ds.transpose(1, 2), self.q))
        dq = torch.bmm(ds, self.k)
        if self.block.trunk is not None:
            g, q = self._by_trunk(g), self._by_trunk(self.q)
            ds = self._of_scores(self.trunk_p, g, self.trunk_v, d)
            self._add(dv, self.block.trunk, torch.bmm(self.trunk_p.transpose(1, 2), g))
            self._add(dk, self.block.trunk, torch.bmm(ds.transpose(1, 2), q))
            dq = self._by_trunk(dq).baddbmm_(ds, self.trunk_k)
        return dq

    def _of_scores(self, p: Tensor, gradient: Tensor, value: Tensor, delta: Tensor) -> Tensor:
        """scale * P * (dO V^T - delta), the gradient of the products of queries and keys."""
        ds = torch.bmm(gradient, value.transpose(1, 2))
        if kernels.can(ds):
            kernels.softmax_back(p.flatten(0, 1), ds.flatten(0, 1), delta, self.scale)
            return ds
        return ds.sub_(delta.view(*ds.shape[:2], 1)).mul_(p).mul_(self.scale)

    def _queries(self, x: Tensor) -> Tensor:
        return x.index_select(0, self.block.queries).view(self.block.branches, -1, x.shape[-1])

    def _by_trunk(self, x: Tensor) -> Tensor:
        return x.reshape(self.block.trunks, -1, x.shape[-1])

    def _add(self, total: Tensor, rows: Tensor, x: Tensor) -> None:
        x = x.view(-1, self.width)
        if kernels.can(x):
            kernels.add_rows(total, rows, x)
        else:
            total.index_add_(0, rows, x)
