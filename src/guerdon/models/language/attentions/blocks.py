"""In blocks whose scores are dropped at once and computed again in the backward pass: on any device, in any format, with the operations of torch.

    S = scale * Q K^T over the trunk and the branch's own past;    P = softmax(S);    O = P V
    dV = P^T dO;    dS = P * (dO V^T - rowsum(dO * O));    dQ = scale * dS K;    dK = scale * dS^T Q

Grouped heads are as they are: no key is repeated for the queries that share it.

Source: the backward pass with recomputed probabilities is FlashAttention's, arXiv 2205.14135, section 3.1 and appendix B.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.models import kernels
from guerdon.models.language.attentions import Asked, Attention
from guerdon.models.language.layout import Block, Layout


@dataclass(frozen=True)
class Blocks(Attention):
    rank: ClassVar[int] = 2

    def why_not(self, asked: Asked) -> str:
        return "" if asked.window is None and asked.softcap is None else "it knows neither windows nor soft caps"

    def plan(self, layout: Layout, asked: Asked) -> list[Block]:
        return layout.blocks(asked.shape, asked.device)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, plan: list[Block], scale: float, softcap: float | None) -> Tensor:
        return _InBlocks.apply(query, key, value, plan, scale)


class _InBlocks(torch.autograd.Function):
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
