"""Layout: how sequences lie in one flat row of tokens, without padding, each context once however many sequences answer it.

    trunk                                 branches
    context 0  .........................  completion  completion  completion
    context 1 and its only completion ..

A *trunk* is a context; where only one sequence answers it, the trunk is context and completion in one. *Branches* are the completions of a
trunk: each attends to the whole trunk and to itself. Positions count along trunk and branch, so every sequence sees exactly what it would
see in a row of its own.

Attention is computed block by block (``Block``): some branches with their trunks, or some trunks, gathered into a small padded tensor
whose scores fit in ``SCORES`` numbers. Only there is there any padding, and blocks are of like length.

Source: ours. Shared prefixes: Hydragen, arXiv 2402.05099 (sampling); tree attention over packed rows is used by several trainers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.sequences import Sequences

SCORES = 2**21  # attention scores that exist at once, over all heads
MULTIPLE = 64  # the row is filled up to a multiple of this: few distinct shapes, for which the products of a CPU are prepared once


@dataclass(frozen=True)
class Block:
    """Queries that are attended to together: branches [N, G, C] of N trunks, or N trunks (G = 1, and no ``trunk``).

    Attributes:
        own: [N, G, C], where in the row the tokens lie; anything (0) beyond a sequence's end.
        first: queries are ``own[:, :, first:]``; what comes before only offers keys.
        trunk: [N, L], where the trunk's tokens lie; None for a block of trunks.
        absent: [N, L], true beyond a trunk's end; None where no trunk is shorter than another.
        real: [N, G, C - first], true where a query is a token.
    """

    own: Tensor
    first: int
    trunk: Tensor | None
    absent: Tensor | None
    real: Tensor

    def to(self, device: torch.device) -> "Block":
        """The block on another device."""
        moved = (x if x is None else x.to(device) for x in (self.own, self.trunk, self.absent, self.real))
        own, trunk, absent, real = moved
        return Block(own, self.first, trunk, absent, real)


@dataclass(frozen=True)
class Layout:
    """A flat row of T tokens.

    Attributes:
        tokens, positions: [T].
        blocks: for a given number of query heads; see ``blocks_for``.
        predicts: [S], the place whose hidden state decides each acted step, in the order of ``mask.nonzero()``.
        last: [B], the place of each sequence's last token.
        longest: the length of the longest sequence, with its context.
    """

    tokens: Tensor
    positions: Tensor
    trunks: list[Tensor]
    branches: list[list[Tensor]]
    predicts: Tensor
    last: Tensor
    longest: int

    def blocks(self, heads: int, device: torch.device) -> list[Block]:
        """What is attended to together, for so many query heads."""
        return [block.to(device) for block in (*_trunk_blocks(self.trunks, heads), *_branch_blocks(self.trunks, self.branches, heads))]


def lay_out(sequences: Sequences, multiple: int = MULTIPLE) -> Layout:
    """The layout of sequences, in which contexts that several of them answer are shared."""
    rows_of: list[list[int]] = [[] for _ in sequences.contexts]
    for row, context in enumerate(sequences.context.tolist()):
        rows_of[context].append(row)
    lengths = sequences.length.tolist()
    tokens, positions, trunks, branches = [], [], [], []
    before: list[Tensor] = [torch.empty(0)] * len(sequences)  # where the place that predicts each action lies
    last = torch.zeros(len(sequences), dtype=torch.long)
    start = 0

    def put(ids: Tensor, position: int) -> Tensor:
        nonlocal start
        tokens.append(ids)
        positions.append(torch.arange(position, position + len(ids)))
        start += len(ids)
        return torch.arange(start - len(ids), start)

    for context, rows in zip(sequences.contexts, rows_of, strict=True):
        if not rows:
            continue
        completions = [sequences.actions[row, : lengths[row]] for row in rows]
        size = len(context)
        if len(rows) == 1:
            trunk = put(torch.cat([context, completions[0]]), 0)
            places, own = [trunk[size:]], []
        else:
            trunk = put(context, 0)
            places = own = [put(completion, size) for completion in completions]
        for row, place in zip(rows, places, strict=True):
            before[row] = torch.cat([trunk[size - 1 : size], place])[:-1] if len(place) else place
            last[row] = place[-1] if len(place) else trunk[size - 1]
        trunks.append(trunk)
        branches.append([place for place in own if len(place)])
    fill = -start % multiple
    if fill:
        put(torch.zeros(fill, dtype=torch.long), 0)
    predicts = [before[row][sequences.mask[row, : lengths[row]]] for row in range(len(sequences))]
    nothing = torch.zeros(0, dtype=torch.long)
    longest = max([len(t) + max([len(b) for b in own], default=0) for t, own in zip(trunks, branches, strict=True)], default=0)
    return Layout(
        torch.cat([*tokens, nothing]), torch.cat([*positions, nothing]), trunks, branches, torch.cat([*predicts, nothing]), last, longest
    )


def _trunk_blocks(trunks: Sequence[Tensor], heads: int) -> Iterator[Block]:
    ordered = sorted((t for t in trunks if len(t)), key=len)
    for some in _chunks(ordered, [len(t) ** 2 * heads for t in ordered]):
        yield from _blocks(torch.stack([_wide(t, len(some[-1])) for t in some]).unsqueeze(1), [[len(t)] for t in some], None, None, heads)


def _branch_blocks(trunks: Sequence[Tensor], branches: Sequence[Sequence[Tensor]], heads: int) -> Iterator[Block]:
    units = []  # a trunk with so many of its branches as are attended to at once
    for trunk, own in zip(trunks, branches, strict=True):
        if own:
            longest = max(len(b) for b in own)
            at_once = max(SCORES // (longest * (len(trunk) + longest) * heads), 1)
            units += [(trunk, own[i : i + at_once]) for i in range(0, len(own), at_once)]
    units.sort(key=lambda unit: (len(unit[1]), max(len(b) for b in unit[1]), len(unit[0])))

    def cost(unit: tuple[Tensor, Sequence[Tensor]]) -> int:
        longest = max(len(b) for b in unit[1])
        return len(unit[1]) * longest * (len(unit[0]) + longest) * heads

    for some in _chunks(units, [cost(unit) for unit in units]):
        g, c, size = max(len(own) for _, own in some), max(len(b) for _, own in some for b in own), max(len(t) for t, _ in some)
        own = torch.zeros(len(some), g, c, dtype=torch.long)
        for i, (_, mine) in enumerate(some):
            for j, branch in enumerate(mine):
                own[i, j, : len(branch)] = branch
        lengths = [[*(len(b) for b in mine), *[0] * (g - len(mine))] for _, mine in some]
        absent = torch.arange(size) >= torch.tensor([len(t) for t, _ in some]).unsqueeze(-1)
        trunk = torch.stack([_wide(t, size) for t, _ in some])
        yield from _blocks(own, lengths, trunk, absent if absent.any() else None, heads)


def _blocks(own: Tensor, lengths: list[list[int]], trunk: Tensor | None, absent: Tensor | None, heads: int) -> Iterator[Block]:
    """One block, or several after each other along the sequences where its scores are too many."""
    n, g, c = own.shape
    real = torch.arange(c) < torch.tensor(lengths).unsqueeze(-1)
    size = 0 if trunk is None else trunk.shape[1]
    step = max(SCORES // (n * g * (c + size) * heads), 16)
    for first in range(0, c, step):
        yield Block(own[:, :, : first + step], first, trunk, absent, real[:, :, first : first + step])


def _chunks(items: Sequence, costs: Sequence[int]) -> Iterator[list]:
    """Neighbours together while each, padded to the largest, costs no more than ``SCORES`` in all."""
    some: list = []
    largest = 0
    for item, cost in zip(items, costs, strict=True):
        largest = max(largest, cost)
        if some and largest * (len(some) + 1) > SCORES:
            yield some
            some, largest = [], cost
        some.append(item)
    if some:
        yield some


def _wide(x: Tensor, width: int) -> Tensor:
    return torch.cat([x, x.new_zeros(width - len(x))])
