"""What kernels for sequences of different lengths are given: a row of queries and a row of keys, each cut into as many pieces, of which the n-th sees the n-th.

    queries   trunk | branch | branch | ...            each piece once
    keys      trunk | trunk branch | trunk branch ...   a branch's trunk is gathered in front of it

With causality counted from the ends, query i of a branch sees its whole trunk and i + 1 of its own keys. Where no context is shared both rows are the
row that there is, and nothing is gathered. The gradient of what was gathered several times is added up in float32.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.models.language.layout import Layout
from guerdon.models.moving import onto

SHORT = (torch.float16, torch.bfloat16)
WIDEST, STEP = 256, 8  # of heads, and what their width is a multiple of


@dataclass(frozen=True)
class Pieces:
    """
    Attributes:
        queries, keys: [N + 1], where each piece begins.
        longest_queries, longest_keys: of a piece.
        gathered: where each key lies in the row that there is, or None where it is the same row.
        left: how many keys before its own a query sees at most; -1: all.
    """

    queries: Tensor
    keys: Tensor
    longest_queries: int
    longest_keys: int
    gathered: Tensor | None
    left: int

    def keys_of(self, x: Tensor) -> Tensor:
        """A row of keys or values, as it is cut up."""
        return x.contiguous() if self.gathered is None else _Gathered.apply(x, self.gathered)


def pieces_of(layout: Layout, window: int | None, device: torch.device) -> Pieces:
    """Those of a layout; what is nobody's is one more piece."""
    begin, start, length = (x.tolist() for x in layout.families())
    own, seen, gathered = [], [], []
    for first, last in itertools.pairwise(begin):
        for piece in range(first, last):
            trunk = range(start[first], start[first] + length[first]) if piece > first else range(0)
            own.append(length[piece])
            seen.append(length[piece] + len(trunk))
            gathered += [torch.arange(trunk.start, trunk.stop), torch.arange(start[piece], start[piece] + length[piece])]
    used = sum(own)
    own.append(len(layout.tokens) - used)
    seen.append(own[-1])
    gathered.append(torch.arange(used, len(layout.tokens)))
    queries, keys = (torch.tensor([0, *n]).cumsum(0).to(torch.int32) for n in (own, seen))
    shared = own != seen
    moved = onto(device, queries, keys, *([torch.cat(gathered)] if shared else []))
    return Pieces(moved[0], moved[1], max(own), max(seen), moved[2] if shared else None, -1 if window is None else window - 1)


def unfit(dtype: torch.dtype, width: int) -> str:
    """What such kernels cannot do; empty where they can."""
    return (
        ""
        if dtype in SHORT and width <= WIDEST and width % STEP == 0
        else f"it takes float16 and bfloat16, and heads of up to {WIDEST} numbers, a multiple of {STEP}"
    )


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape = x.shape
        return x.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        kind = torch.promote_types(gradient.dtype, torch.float32)
        total = torch.zeros(ctx.shape, dtype=kind, device=gradient.device)
        return total.index_add_(0, places, gradient.to(kind)).to(gradient.dtype), None
