"""Layout: how sequences lie in one flat row of tokens, without padding, each context once however many sequences answer it.

    trunk                                 branches
    context 0  .........................  completion  completion  completion
    context 1 and its only completion ..

A *trunk* is a context; where only one sequence answers it, the trunk is context and completion in one. *Branches* are the completions of a
trunk: each attends to the whole trunk and to itself. Positions count along trunk and branch, so every sequence sees exactly what it would
see in a row of its own.

Attention is computed block by block (``Block``): some branches with their trunks, or some trunks, gathered into a small padded tensor
whose scores fit in a number that depends on the device (``Cut``). Only there is there any padding, and blocks are of like length.

Source: ours. Attention to a shared prefix computed for all that follow it at once: Hydragen, arXiv 2402.05099.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.models.moving import onto
from guerdon.sequences import Sequences


@dataclass(frozen=True)
class Cut:
    """How finely attention is cut up. A CPU is fast while the scores lie in its cache; to a GPU every block is some thirty kernels to be launched.

    Attributes:
        scores: attention scores that exist at once, over all heads.
        piece: queries of a sequence that are attended to at once: later keys than theirs are not looked at.
        steps: of the length of a row in each octave: a row is filled up to one of so many lengths, for each of which products are prepared, or code compiled.
        least: what a row's length is a multiple of.
    """

    scores: int
    piece: int
    steps: int = 8
    least: int = 16


CUTS = {"cpu": Cut(2**20, 128), "cuda": Cut(2**26, 1024, steps=4, least=128)}
CPU = torch.device("cpu")


def cut_for(device: torch.device) -> Cut:
    """That of the kind of device: all that are none are like a GPU."""
    return CUTS.get(device.type, CUTS["cuda"])


@dataclass(frozen=True)
class Shape:
    """What of a model decides how its attention is cut up: numbers of query heads, and of the key heads that they share."""

    heads: int
    key_heads: int

    @classmethod
    def of(cls, config: Any) -> "Shape":
        """That of a configuration of ``transformers``."""
        heads = config.num_attention_heads
        return cls(heads, getattr(config, "num_key_value_heads", None) or heads)


class Block:
    """Queries that are attended to together: some branches of N trunks, G of each and C long, or N trunks (G = 1, without ``trunk``).

    All indices are rows of [T * heads, D] or [T * key heads, D]; a place that is none points at the row's last token, which is nobody's.

    Attributes:
        queries: [N * K * G * R * C'], the queries: the last C' of C, of R query heads for each of K key heads.
        own: [N * K * G * C], the keys of the sequences themselves.
        trunk: [N * K * L], those of their trunks, or None.
        seen: [N * K], how much of its trunk each attends to: all but the padding; or None.
        branches, trunks: N * K * G and N * K.
        first, steps: C - C' and C'. Query i of C' attends to the first ``first + i + 1`` of its own keys.
    """

    def __init__(self, own: Tensor, first: int, trunk: Tensor | None, seen: Tensor | None, shape: Shape, device: torch.device):
        n, g, c = own.shape
        self.first, self.steps, self.device = first, c - first, device
        shared = shape.heads // shape.key_heads
        self.branches, self.trunks = n * shape.key_heads * g, n * shape.key_heads
        heads = torch.arange(shape.heads).view(1, shape.key_heads, 1, shared, 1)
        queries = (own[:, None, :, None, first:] * shape.heads + heads).flatten()
        key_heads = torch.arange(shape.key_heads).view(1, -1, 1)
        self.queries, self.own = onto(device, queries, (own.reshape(n, 1, -1) * shape.key_heads + key_heads).flatten())
        self.trunk, self.seen = None, None
        if trunk is not None:
            places = (trunk.unsqueeze(1) * shape.key_heads + key_heads).flatten()
            self.trunk, self.seen = onto(device, places, seen.repeat_interleave(shape.key_heads))
        self._shared, self._masks = shared, {}

    def future(self, dtype: torch.dtype) -> Tensor:
        """[1, R * C', C], minus infinity where a key comes after the query, else 0."""
        size = self.first + self.steps
        hidden = torch.ones(self.steps, size, dtype=torch.bool, device=self.device).triu_(1 + self.first)
        return self._mask("future", hidden.repeat(self._shared, 1).unsqueeze(0), dtype)

    def absent_from(self, dtype: torch.dtype) -> Tensor:
        """[N * K, 1, L], minus infinity beyond the trunk's end, else 0."""
        places = torch.arange(len(self.trunk) // self.trunks, device=self.device)
        return self._mask("absent", (places >= self.seen.unsqueeze(-1)).unsqueeze(1), dtype)

    def _mask(self, name: str, hidden: Tensor, dtype: torch.dtype) -> Tensor:
        if (name, dtype) not in self._masks:
            self._masks[name, dtype] = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device).masked_fill_(hidden, -torch.inf)
        return self._masks[name, dtype]


@dataclass(frozen=True)
class Layout:
    """A flat row of T tokens, of which the last is nobody's.

    Attributes:
        tokens, positions: [T].
        trunks: where the tokens of each trunk lie; ``branches``: those of each of its branches.
        predicts: [S], the place whose hidden state decides each acted step, in the order of ``mask.nonzero()``.
        last: [B], the place of each sequence's last token.
        asked: [B], the place of the last token of what it answers.
        longest: the length of the longest sequence, with its context.
    """

    tokens: Tensor
    positions: Tensor
    trunks: list[Tensor]
    branches: list[list[Tensor]]
    predicts: Tensor
    last: Tensor
    asked: Tensor
    longest: int

    def blocks(self, shape: Shape, device: torch.device) -> list[Block]:
        """What is attended to together."""
        nobody = len(self.tokens) - 1
        return [*_trunk_blocks(self.trunks, nobody, shape, device), *_branch_blocks(self.trunks, self.branches, nobody, shape, device)]

    def families(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where the sequences lie, each in one piece: see ``kernels.Families``."""
        members = [[trunk, *own] for trunk, own in zip(self.trunks, self.branches, strict=True)]
        every = [place for some in members for place in some]
        begin = torch.tensor([0, *(len(some) for some in members)]).cumsum(0)
        return (
            begin,
            torch.tensor([int(p[0]) if len(p) else 0 for p in every], dtype=torch.long),
            torch.tensor([len(p) for p in every], dtype=torch.long),
        )

    def places_of_trunks(self, multiple: int) -> Tensor:
        """[trunks, L], where the tokens of each trunk lie, with L the longest filled up to a multiple; what is none points at the first token."""
        width = -(-max(len(t) for t in self.trunks) // multiple) * multiple
        return torch.stack([_wide(t, width, 0) for t in self.trunks])


def lay_out(sequences: Sequences, device: torch.device = CPU) -> Layout:
    """The layout of sequences, in which contexts that several of them answer are shared, as long as rows are on ``device``."""
    rows_of: list[list[int]] = [[] for _ in sequences.contexts]
    for row, context in enumerate(sequences.context.tolist()):
        rows_of[context].append(row)
    lengths = sequences.length.tolist()
    tokens, positions, trunks, branches = [], [], [], []
    before: list[Tensor] = [torch.empty(0)] * len(sequences)  # where the place that predicts each action lies
    last = torch.zeros(len(sequences), dtype=torch.long)
    asked = torch.zeros_like(last)
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
            asked[row] = trunk[size - 1]
        trunks.append(trunk)
        branches.append([place for place in own if len(place)])
    put(torch.zeros(_room(start, cut_for(device)) - start, dtype=torch.long), 0)
    predicts = [before[row][sequences.mask[row, : lengths[row]]] for row in range(len(sequences))]
    nothing = torch.zeros(0, dtype=torch.long)
    longest = max([len(t) + max([len(b) for b in own], default=0) for t, own in zip(trunks, branches, strict=True)], default=0)
    return Layout(
        torch.cat([*tokens, nothing]),
        torch.cat([*positions, nothing]),
        trunks,
        branches,
        torch.cat([*predicts, nothing]),
        last,
        asked,
        longest,
    )


def lay_out_contexts(contexts: Sequence[Tensor]) -> Layout:
    """The layout of contexts that nothing answers yet."""
    nothing = torch.zeros(len(contexts), dtype=torch.long)
    empty = nothing.unsqueeze(-1)
    return lay_out(Sequences(list(contexts), torch.arange(len(contexts)), empty, empty.bool(), nothing))


def few_sequences(vocabulary: int) -> Sequences:
    """A few short sequences, some of which share a context, on which a way to compute can be tried. Their tokens are from all over the vocabulary,
    since its first ones are special in many models."""
    ids = (torch.arange(64) * (vocabulary * 5 // 13 + 1) + vocabulary // 3) % vocabulary
    lengths = torch.tensor([4, 1, 3, 0, 2])
    actions = torch.where(torch.arange(4) < lengths.unsqueeze(-1), ids[:20].view(5, 4), 0)
    contexts = [ids[start : start + n] for start, n in ((20, 5), (30, 3), (40, 1))]
    return Sequences(contexts, torch.tensor([0, 0, 1, 0, 2]), actions, torch.arange(4) < lengths.unsqueeze(-1), lengths)


def _trunk_blocks(trunks: Sequence[Tensor], nobody: int, shape: Shape, device: torch.device) -> Iterator[Block]:
    ordered = sorted((t for t in trunks if len(t)), key=len)
    for some in _chunks(ordered, [len(t) ** 2 * shape.heads for t in ordered], cut_for(device).scores):
        own = torch.stack([_wide(t, _round(len(some[-1])), nobody) for t in some]).unsqueeze(1)
        yield from _blocks(own, None, None, shape, device)


def _branch_blocks(
    trunks: Sequence[Tensor], branches: Sequence[Sequence[Tensor]], nobody: int, shape: Shape, device: torch.device
) -> Iterator[Block]:
    units, scores = [], cut_for(device).scores  # units: a trunk with so many of its branches as are attended to at once
    for trunk, own in zip(trunks, branches, strict=True):
        if own:
            longest = max(len(b) for b in own)
            at_once = max(scores // (longest * (len(trunk) + longest) * shape.heads), 1)
            units += [(trunk, own[i : i + at_once], longest) for i in range(0, len(own), at_once)]
    units.sort(key=lambda unit: (len(unit[1]), unit[2], len(unit[0])))
    for some in _chunks(units, [len(own) * c * (len(trunk) + c) * shape.heads for trunk, own, c in units], scores):
        g, c, size = max(len(own) for _, own, _ in some), _round(max(c for *_, c in some)), _round(max(len(trunk) for trunk, *_ in some))
        own = torch.full((len(some), g, c), nobody)
        for i, (_, mine, _) in enumerate(some):
            for j, branch in enumerate(mine):
                own[i, j, : len(branch)] = branch
        seen = torch.tensor([len(trunk) for trunk, *_ in some])
        yield from _blocks(own, torch.stack([_wide(trunk, size, nobody) for trunk, *_ in some]), seen, shape, device)


def _blocks(own: Tensor, trunk: Tensor | None, seen: Tensor | None, shape: Shape, device: torch.device) -> Iterator[Block]:
    """One block, or several after each other along the sequences where its scores are too many."""
    n, g, c = own.shape
    size, cut = 0 if trunk is None else trunk.shape[1], cut_for(device)
    step = min(max(cut.scores // (n * g * (c + size) * shape.heads), 16), cut.piece)
    for first in range(0, c, step):
        yield Block(own[:, :, : first + step], first, trunk, seen, shape, device)


def _chunks(items: Sequence, costs: Sequence[int], bound: int) -> Iterator[list]:
    """Neighbours together while each, padded to the largest, costs no more than ``bound`` in all."""
    some: list = []
    largest = 0
    for item, cost in zip(items, costs, strict=True):
        largest = max(largest, cost)
        if some and largest * (len(some) + 1) > bound:
            yield some
            some, largest = [], cost
        some.append(item)
    if some:
        yield some


def _room(size: int, cut: Cut) -> int:
    """More than ``size``, on a CPU by a sixteenth on the average, up to one of few lengths."""
    multiple = max(2 ** size.bit_length() // (2 * cut.steps), cut.least)
    return (size // multiple + 1) * multiple


def _round(size: int) -> int:
    """Up to few distinct sizes: multiples of 16 from 64 on, of 4 below."""
    multiple = 16 if size > 64 else 4
    return -(-size // multiple) * multiple


def _wide(x: Tensor, width: int, nobody: int) -> Tensor:
    return torch.cat([x, x.new_full((width - len(x),), nobody)])
