"""By one compiled kernel for all families: ``torch.nn.attention.flex_attention`` under a block mask made from trunks and branches.

Tokens are seen in blocks of 128. Of each pair of blocks it is known beforehand, from where the pieces lie, whether nothing of it is seen (it is passed over), everything (no mask
is computed) or something (``_plain.sees`` decides, token by token). That is worked out on the host in a step for each sequence, where
``create_block_mask`` would look at all T x T pairs on the device.

Windows are part of the mask, soft caps a change of scores, grouped heads are the kernel's own.

Source: Dong et al. 2024, arXiv 2412.05496.
Differs from Blocks: two launches forward and backward, however many families there are, and nothing is gathered.
"""

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from guerdon.models import compiling
from guerdon.models.language.attentions import Asked, Attention
from guerdon.models.language.attentions._plain import places, sees
from guerdon.models.language.layout import Layout
from guerdon.models.moving import onto

SIZE = 128  # of a block, in tokens
LEAST = 16  # width of a head


@dataclass(frozen=True)
class Flexible(Attention):
    rank: ClassVar[int] = 3

    def why_not(self, asked: Asked) -> str:
        if reason := compiling.why_not(asked.device):
            return reason
        return (
            ""
            if asked.dtype.itemsize <= 4 and asked.width >= LEAST
            else f"it takes heads of {LEAST} numbers or more, in float32 or shorter"
        )

    def plan(self, layout: Layout, asked: Asked) -> BlockMask:
        return block_mask(layout, asked.window, asked.device)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, plan: BlockMask, scale: float, softcap: float | None) -> Tensor:
        q, k, v = (x.transpose(0, 1).unsqueeze(0) for x in (query, key, value))
        capped = None if softcap is None else _capped(softcap)
        out = _kernel(query.device.type)(q, k, v, score_mod=capped, block_mask=plan, scale=scale, enable_gqa=query.shape[1] != key.shape[1])
        return out[0].transpose(0, 1)


def block_mask(layout: Layout, window: int | None, device: torch.device) -> BlockMask:
    """Which blocks of queries and keys see each other, on ``device``."""
    some, every = occupied(layout, window)
    partly = some & ~every
    tensors = [t for dense in (partly, every, partly.t(), every.t()) for t in _listed(dense)]
    of = places(layout)
    *tensors, of = onto(device, *tensors, of)
    few, full, few_q, full_q = (tensors[i : i + 2] for i in range(0, 8, 2))
    length = len(layout.tokens)
    return BlockMask((length, length), *few, *full, *few_q, *full_q, BLOCK_SIZE=(SIZE, SIZE), mask_mod=_seen(of, window))


def occupied(layout: Layout, window: int | None) -> tuple[Tensor, Tensor]:
    """[n, n] for n blocks: whether a block of queries sees something of a block of keys, and whether each sees each. The first may be true of blocks of which nothing is seen,
    the second false of some of which all is: then they are looked at token by token."""
    n = -(-len(layout.tokens) // SIZE)
    some, every = (torch.zeros(n, n, dtype=torch.bool) for _ in range(2))
    begin, start, length = (x.tolist() for x in layout.families())
    used = 0
    for first, last in itertools.pairwise(begin):
        trunk, *branches = range(first, last)
        for piece in (trunk, *branches):
            used = max(used, start[piece] + length[piece])
            _triangle(some, every, start[piece], start[piece] + length[piece])
        if branches and length[trunk]:
            _rectangle(
                some, every, (start[branches[0]], start[branches[-1]] + length[branches[-1]]), (start[trunk], start[trunk] + length[trunk])
            )
    _triangle(some, every, used, len(layout.tokens))  # what is nobody's: it sees itself, so that no row sees nothing
    if window is not None:
        low, high = _extremes(layout.positions, n)
        some &= low.unsqueeze(-1) - high < window
        every &= high.unsqueeze(-1) - low < window
    return some, every


def _triangle(some: Tensor, every: Tensor, start: int, end: int) -> None:
    """Tokens that see each other and themselves, those before them."""
    if end > start:
        touched = slice(start // SIZE, (end - 1) // SIZE + 1)
        some[touched, touched] |= torch.ones(touched.stop - touched.start, touched.stop - touched.start, dtype=torch.bool).tril_()
        inside = slice(-(-start // SIZE), end // SIZE)
        if inside.stop > inside.start:
            every[inside, inside] |= torch.ones(inside.stop - inside.start, inside.stop - inside.start, dtype=torch.bool).tril_(-1)


def _rectangle(some: Tensor, every: Tensor, queries: tuple[int, int], keys: tuple[int, int]) -> None:
    """Queries that see all of the keys."""
    touched = [slice(start // SIZE, (end - 1) // SIZE + 1) for start, end in (queries, keys)]
    some[touched[0], touched[1]] = True
    inside = [slice(-(-start // SIZE), max(end // SIZE, -(-start // SIZE))) for start, end in (queries, keys)]
    every[inside[0], inside[1]] = True


def _extremes(positions: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The lowest and the highest position of each block."""
    spare = n * SIZE - len(positions)
    rows = torch.cat([positions, positions[-1:].expand(spare)]).view(n, SIZE)
    return rows.amin(-1), rows.amax(-1)


def _listed(dense: Tensor) -> tuple[Tensor, Tensor]:
    """How many of each row, [1, 1, n], and which, [1, 1, n, n], those in front."""
    order = dense.to(torch.int8).argsort(dim=-1, descending=True, stable=True).to(torch.int32)
    return dense.sum(-1, dtype=torch.int32)[None, None], order[None, None].contiguous()


def _seen(of: Tensor, window: int | None) -> Any:
    family, branch, position = of.unbind()

    def seen(_: Tensor, __: Tensor, query: Tensor, key: Tensor) -> Tensor:
        at = [(x[query], x[key]) for x in (family, branch, position)]
        return sees(*zip(*at, strict=True), window)

    return seen


@cache
def _capped(softcap: float) -> Any:
    def capped(score: Tensor, *_: Tensor) -> Tensor:
        return softcap * torch.tanh(score / softcap)

    return capped


@cache
def _kernel(kind: str) -> Any:
    """Compiled; its eager reference on a CPU, where the compiled kernel has no backward pass."""
    return flex_attention if kind == "cpu" else compiling.compiling(flex_attention)
