"""Recalling: what was computed of contexts and of what followed them, so that a context that goes on from there is computed from there on.

    tokens → the keys and values of the longest beginning that is known        ``Recall.longest``

Known sequences are kept in the order of their tokens, in which the one that has the longest beginning in common with a context stands beside it. One that another goes on from is
dropped when the other is known. What is kept is bounded by who remembers: one batch of episodes, in ``LanguagePolicy.remembering``.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

SCORES = 2**24  # attention scores that exist at once
Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Known:
    """The first ``length`` tokens of a sequence: ``keys`` [N, K, D, L] of N layers and ``values`` [N, K, L, D] with L at least that."""

    keys: Tensor
    values: Tensor
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
    """Attention of some tokens more of each of P sequences, to those before them.

    Args:
        trunk: keys [N, P, K, D, R] and values [N, P, K, R, D] of what is known, with room for what is added, which is written there.
        seen: how many tokens of each are known.
        added: how many each has more, one sequence behind the other in one row; what stands behind all of them is nobody's.
        longest: the length of the longest sequence, or that to which it may still grow.
    """

    bounds = False

    def __init__(self, trunk: tuple[Tensor, Tensor], seen: Tensor, added: Tensor, longest: int):
        self.trunk, self.seen, self.added, self.longest = trunk, seen, added, longest
        self.begin = added.cumsum(0) - added
        self.row = torch.arange(len(added)).repeat_interleave(added)
        self.place = torch.arange(len(self.row)) + (seen - self.begin)[self.row]

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float, **more: Any) -> Tensor:
        keys, values = (both[layer] for both in self.trunk)
        keys[self.row, :, :, self.place] = key[: len(self.row)]
        values[self.row, :, self.place] = value[: len(self.row)]
        out = torch.zeros_like(query)
        cost = query.shape[1] * self.added * (self.seen + self.added)
        for rows in _pieces(cost.argsort(), cost):
            added, seen = self.added[rows], self.seen[rows]
            steps, room = torch.arange(int(added.max())), int((seen + added).max())
            there = steps < added.unsqueeze(-1)  # [P, C]
            places = torch.where(there, self.begin[rows].unsqueeze(-1) + steps, self.begin[rows].unsqueeze(-1))
            mask = torch.arange(room) <= (seen.unsqueeze(-1) + steps).unsqueeze(-1)
            past = keys[rows, ..., :room].transpose(-1, -2).contiguous(), values[rows, :, :room]
            found = F.scaled_dot_product_attention(query[places].transpose(1, 2), *past, mask.unsqueeze(1), scale=scale, enable_gqa=True)
            out[places[there]] = found.transpose(1, 2)[there]
        return out


def _pieces(rows: Tensor, cost: Tensor) -> list[Tensor]:
    """Rows, cheapest first, in pieces that cost no more than ``SCORES`` in all where each costs as much as the dearest."""
    out, some = [], []
    for row in rows.tolist():
        if some and int(cost[row]) * (len(some) + 1) > SCORES:
            out.append(torch.tensor(some))
            some = []
        some.append(row)
    return [*out, torch.tensor(some)] if some else out
