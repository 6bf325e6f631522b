"""Recalling: what was computed of contexts and of what followed them, so that a context that goes on from there is computed from there on.

    tokens → the keys and values of the longest beginning that is known        ``Recall.longest``

Known sequences are kept in the order of their tokens, in which the one that has the longest beginning in common with a context stands beside it. One that another goes on from is
dropped when the other is known. What is kept is bounded by who remembers: one batch of episodes, in ``LanguagePolicy.remembering``.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

SCORES = 2**24  # attention scores that exist at once
Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Known:
    """The first ``length`` tokens of a sequence. By layer, ``keys`` [K, D, L] and ``values`` [K, L, D] with L at least that."""

    keys: Sequence[Tensor]
    values: Sequence[Tensor]
    length: int


@dataclass
class Recall:
    """``order``: the known sequences, sorted; ``kept``: what is known of each. ``read`` and ``spared``: for how many tokens of contexts keys and values were computed, and for
    how many they were known."""

    order: list[Tokens] = field(default_factory=list)
    kept: dict[Tokens, Known] = field(default_factory=dict)
    read: int = 0
    spared: int = 0

    def longest(self, tokens: Tokens) -> Known | None:
        """The longest beginning of a context that is known, but for its last token, whose state is asked for."""
        place = bisect_left(self.order, tokens)
        best = max(((_common(other, tokens), other) for other in self.order[max(place - 1, 0) : place + 1]), default=(0, ()))
        length = min(best[0], len(tokens) - 1)
        self.spared += max(length, 0)
        self.read += len(tokens) - max(length, 0)
        return Known(self.kept[best[1]].keys, self.kept[best[1]].values, length) if length > 0 else None

    def learn(self, tokens: Tokens, known: Known) -> None:
        """Keep a sequence, in the place of the one that it goes on from."""
        if tokens in self.kept:
            return
        place = bisect_left(self.order, tokens)
        if place and tokens[: len(self.order[place - 1])] == self.order[place - 1]:
            del self.kept[self.order.pop(place - 1)]
        self.kept[tokens] = known
        insort(self.order, tokens)


def _common(one: Tokens, other: Tokens) -> int:
    """How many tokens both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


class Extending:
    """Attention of some tokens more of each of P sequences, to what is known of these and to those before them. ``kept``: by layer, the keys and values [T, K, D] of what is added.

    Args:
        known: what is known of each sequence; None: nothing.
        added: how many tokens each has more, one sequence behind the other in one row; what stands behind all of them is nobody's.
        longest: the length of the longest sequence, or that to which it may still grow.
    """

    bounds = False

    def __init__(self, known: Sequence[Known | None], added: Sequence[int], longest: int):
        self.known, self.added, self.longest = list(known), torch.tensor(added), longest
        self.begin = self.added.cumsum(0) - self.added
        self.kept: dict[int, tuple[Tensor, Tensor]] = {}

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float, **more: Any) -> Tensor:
        self.kept[layer] = key, value
        out = torch.zeros_like(query)
        heads = query.shape[1]
        rows = torch.arange(len(self.known))
        seen = torch.tensor([0 if one is None else one.length for one in self.known])
        cost = heads * self.added * (seen + self.added)
        for some in _pieces(rows[cost.argsort()], cost):
            self._attend(layer, some.tolist(), seen[some], query, key, value, scale, out)
        return out

    def _attend(
        self, layer: int, rows: list[int], seen: Tensor, query: Tensor, key: Tensor, value: Tensor, scale: float, out: Tensor
    ) -> None:
        added, begin = self.added[rows], self.begin[rows]
        many, before = int(added.max()), int(seen.max())
        steps = torch.arange(many)
        there = steps < added.unsqueeze(-1)  # [P, C]
        places = torch.where(there, begin.unsqueeze(-1) + steps, begin.unsqueeze(-1))
        past_key, past_value = (key.new_zeros(len(rows), key.shape[1], before, key.shape[2]) for _ in range(2))
        for i, row in enumerate(rows):
            if (one := self.known[row]) is not None:
                past_key[i, :, : one.length] = one.keys[layer][..., : one.length].transpose(-1, -2)
                past_value[i, :, : one.length] = one.values[layer][:, : one.length]
        keys = torch.cat([past_key, key[places].transpose(1, 2)], 2)
        values = torch.cat([past_value, value[places].transpose(1, 2)], 2)
        old = (torch.arange(before) < seen.unsqueeze(-1)).unsqueeze(1).expand(-1, many, -1)
        new = (steps.unsqueeze(-1) >= steps) & there.unsqueeze(1)
        mask = torch.cat([old, new.expand(len(rows), -1, -1) | torch.eye(many, dtype=torch.bool)], -1).unsqueeze(1)
        found = F.scaled_dot_product_attention(query[places].transpose(1, 2), keys, values, mask, scale=scale, enable_gqa=True)
        out[places[there]] = found.transpose(1, 2)[there]


def _pieces(rows: Tensor, cost: Tensor) -> list[Tensor]:
    """Rows, cheapest first, in pieces that cost no more than ``SCORES`` in all where each costs as much as the dearest."""
    out, some = [], []
    for row in rows.tolist():
        if some and int(cost[row]) * (len(some) + 1) > SCORES:
            out.append(torch.tensor(some))
            some = []
        some.append(row)
    return [*out, torch.tensor(some)] if some else out
