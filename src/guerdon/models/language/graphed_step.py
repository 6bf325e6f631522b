"""A step of decoding that can be recorded (see ``graphed``): tokens in their places, one more of each drawn and written down, everything on storage that stays.

    x = x + O attend(rotate(Q n), rotate(K n), V n),   n = norm(x);      x = x + D (silu(G n) * U n),   n = norm(x)      for each layer (``decoder``)
    scores of a row: [those of its context's keys, read once for all rows of a tile; those of its own], one softmax over both

No host looks at anything in between, and no shape depends on what was drawn. What lies between products is compiled where anything is (``models.compiling``): recorded launches
cost the host nothing, but a card still needs some microseconds for each.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from guerdon.models.compiling import compiled
from guerdon.models.language.decoder import eps_of
from guerdon.models.language.graphed_cache import View
from guerdon.models.language.graphed_weights import Weights
from guerdon.models.language.sampling import choose
from guerdon.sequences import Decoding


def step(weights: Weights, view: View, decoding: Decoding) -> None:
    """The tokens of all rows are put into the caches, and the next ones drawn."""
    logits = weights.top(hidden(weights, view))
    view.at.add_(1)
    draw(view, logits, decoding)


def draw(view: View, logits: Tensor, decoding: Decoding) -> None:
    """From logits [R, V] into their places; where nothing is drawn any more, zeros."""
    uniform = view.uniforms.index_select(0, view.at).squeeze(0).index_select(0, view.place)
    taken, logp = choose(logits, decoding, uniform)
    where = view.at * view.taken.shape[1] + view.place  # no two the same
    view.taken.view(-1).scatter_(0, where, taken * view.alive)
    view.logp.view(-1).scatter_(0, where, logp.masked_fill(view.alive.logical_not(), 0.0))
    view.alive.logical_and_((taken.unsqueeze(-1) != view.ends).all(-1))
    view.tokens.copy_(taken)


def hidden(weights: Weights, view: View) -> Tensor:
    """The last hidden states [R, D] of the tokens, whose keys and values are in the caches from then on."""
    angles = view.angles.index_select(0, view.start + view.at).unsqueeze(2)  # [R, 2, 1, D]
    cosine, sine = (x * weights.factors for x in angles.unbind(1))
    absent = _absent(view, weights.decoder.embedding.weight.dtype)
    x = F.embedding(view.tokens, weights.decoder.embedding.weight)
    for place, of in enumerate(weights.layers):
        before, between = of.layer.before, of.layer.between
        qkv = of.opening(normed(x, before.weight, eps_of(before))).view(len(x), -1, weights.width)
        q, k, v = turned(qkv, of.norms, eps_of(of.layer.query_norm) if of.norms is not None else 0.0, cosine, sine, weights.key_heads)
        for cache, new in zip(view.own[place], (k, v), strict=True):
            cache.index_copy_(2, view.at, new.unsqueeze(2))
        x = of.closing(_attend(view, place, q, absent).view(len(x), -1), onto=x)
        x = of.down(gated(of.feeding(normed(x, between.weight, eps_of(between)))), onto=x)
    return normed(x, weights.decoder.final.weight, eps_of(weights.decoder.final))


@compiled
def normed(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return F.rms_norm(x, x.shape[-1:], weight, eps)


@compiled
def turned(qkv: Tensor, norms: Tensor | None, eps: float, cosine: Tensor, sine: Tensor, key_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, turned and scaled, keys, turned, and values, [R, heads, D] each."""
    both, value = qkv.split([qkv.shape[1] - key_heads, key_heads], 1)
    if norms is not None:
        both = F.rms_norm(both, both.shape[-1:], None, eps) * norms
    swapped = both.unflatten(-1, (2, -1)).flip(2).flatten(2)
    both = torch.addcmul(both * cosine, swapped, sine).to(qkv.dtype)
    query, key = both.split([both.shape[1] - key_heads, key_heads], 1)
    return query.contiguous(), key, value


@compiled
def gated(both: Tensor) -> Tensor:
    gate, up = both.chunk(2, -1)
    return F.silu(gate) * up


def _absent(view: View, dtype: torch.dtype) -> Tensor:
    """[R, 1, L + C]: minus infinity where a context has ended, or where nothing follows yet."""
    size, device = view.bucket, view.tokens.device
    there = torch.arange(size.trunk, device=device) < view.start.unsqueeze(-1)
    here = (torch.arange(size.own, device=device) <= view.at).expand(size.rows, -1)
    both = torch.cat([there, here], -1).unsqueeze(1)
    return torch.zeros(both.shape, dtype=dtype, device=device).masked_fill_(both.logical_not_(), -torch.inf)


def _attend(view: View, place: int, query: Tensor, absent: Tensor) -> Tensor:
    """One query of each row [R, H, D], to its context and to what follows it, [R * K, H / K, D]."""
    size, (trunk_k, trunk_v), (own_k, own_v) = view.bucket, view.trunk[place], view.own[place]
    (tiles, heads, _, width), rows = trunk_k.shape, len(query)
    shared = query.shape[1] // heads
    trunk_k, trunk_v = (x.view(tiles * heads, size.trunk, width) for x in (trunk_k, trunk_v))
    own_k, own_v = (x.view(rows * heads, size.own, width) for x in (own_k, own_v))
    q = query.view(rows * heads, shared, width)
    by_tile = tiles * heads, size.cells * shared, -1
    there = torch.bmm(q.index_select(0, view.grid).view(by_tile), trunk_k.transpose(1, 2)).view(-1, shared, size.trunk)
    p_there, p_here = probabilities(there, torch.bmm(q, own_k.transpose(1, 2)), view.cell, absent)
    out = torch.bmm(p_there.index_select(0, view.grid).view(by_tile), trunk_v)
    return out.view(-1, shared, width).index_select(0, view.cell).baddbmm_(p_here, own_v)


@compiled
def probabilities(there: Tensor, here: Tensor, cell: Tensor, absent: Tensor) -> tuple[Tensor, Tensor]:
    """Of scores by cell [N * K * G, H / K, L] and by row [R * K, H / K, C], by row."""
    scores = torch.cat([there.index_select(0, cell), here], -1)
    scores.view(len(absent), -1, scores.shape[-1]).add_(absent)
    return scores.softmax(-1).split([there.shape[-1], here.shape[-1]], -1)
