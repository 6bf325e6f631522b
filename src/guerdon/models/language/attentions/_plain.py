"""The plain way: every score of every pair of tokens, and minus infinity where one does not see the other. It is what the others are held against.

out[q] = sum_k softmax_k(cap(scale * q . k) + mask[q, k]) v[k],    mask[q, k] = 0 where ``sees`` else minus infinity
"""

import torch
from torch import Tensor

from guerdon.models.language.layout import Layout


def places(layout: Layout) -> Tensor:
    """[3, T] of whole numbers: the family of each token, its branch (from 1 on, 0 on a trunk), and its position. What is nobody's is one more family."""
    begin, start, length = layout.families()
    out = torch.zeros(3, len(layout.tokens), dtype=torch.int32)
    out[0], out[2] = len(begin) - 1, layout.positions
    for family, (first, last) in enumerate(zip(begin.tolist(), begin[1:].tolist(), strict=False)):
        for branch, piece in enumerate(range(first, last)):
            own = slice(int(start[piece]), int(start[piece] + length[piece]))
            out[0, own], out[1, own] = family, branch
    return out


def sees(of_query: Tensor, of_key: Tensor, window: int | None) -> Tensor:
    """Whether a query sees a key, each with its family, branch and position [3, ...]: what came before it on its trunk and its branch, as far back as a window reaches."""
    (family, branch, position), (its_family, its_branch, its_position) = of_query, of_key
    seen = (family == its_family) & ((its_branch == 0) | (its_branch == branch)) & (position >= its_position)
    return seen if window is None else seen & (position - its_position < window)


def attended(query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float, window: int | None, softcap: float | None) -> Tensor:
    """Like the queries, [T, H, D]."""
    of = places(layout).to(query.device)
    hidden = ~sees(of[:, :, None], of[:, None, :], window)
    key, value = (x.repeat_interleave(query.shape[1] // x.shape[1], 1).transpose(0, 1) for x in (key, value))
    scores = query.transpose(0, 1) @ key.transpose(1, 2) * scale
    scores = scores if softcap is None else softcap * torch.tanh(scores / softcap)
    return (scores.masked_fill(hidden, -torch.inf).softmax(-1) @ value).transpose(0, 1)
