"""Sequences: B sequences of T actions, each in answer to a context. The one data structure between acting and learning.

A completion of a language model, a trajectory in an environment, a denoising chain and a path through a finite MDP are
all of this kind. The context (a prompt's tokens, a state's index) is stored once, however many sequences answer it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.quantities import SIDES, by_step


@dataclass(frozen=True)
class Decoding:
    """How actions are drawn.

    Attributes:
        max_completion_length: after so many steps a sequence is cut off (``terminated`` is then false).
        temperature: logits are divided by it; 0 takes the most likely action.
        top_k: only so many of the most likely actions may be drawn; 0 for all.
        top_p: only the most likely actions whose probabilities, in descending order, sum up to this (arXiv 1904.09751, section 3.1); 1 for all.
        min_p: only actions with at least this share of the probability of the most likely one (arXiv 2407.01082, section 3); 0 for all.

    ``old_logp`` is recorded of the distribution that was drawn from; a learner measures the tempered distribution without truncation.

    Raises:
        InputError: a number is out of its range.
    """

    max_completion_length: int = 512
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        fine = self.max_completion_length >= 1 and self.temperature >= 0 and self.top_k >= 0 and 0 < self.top_p <= 1 and 0 <= self.min_p < 1
        if not fine:
            raise InputError(
                f"{self}: max_completion_length is 1 or more, temperature and top_k 0 or more, 0 < top_p <= 1 and 0 <= min_p < 1"
            )

    @property
    def truncates(self) -> bool:
        """Whether some actions may never be drawn."""
        return self.top_k > 0 or self.top_p < 1 or self.min_p > 0


@dataclass
class Sequences:
    """B sequences of up to T actions.

    Attributes:
        contexts: P distinct contexts, each a 1-D tensor of tokens (or of one state index).
        context: [B], which context a sequence answers: an index into ``contexts``.
        actions: [B, T], the actions; what lies beyond a sequence's length is 0.
        mask: [B, T], true where the policy acted (false on tool output and padding).
        length: [B], how many positions of a row are real, whether acted or not.
        quantities: named tensors whose first dimension is B: ``old_logp``, ``terminated`` ...
        temperature: at which the actions were drawn. The policy that acts, and that is trained, is the tempered one.
    """

    contexts: list[Tensor]
    context: Tensor
    actions: Tensor
    mask: Tensor
    length: Tensor
    quantities: dict[str, Tensor] = field(default_factory=dict)
    temperature: float = 1.0

    def __len__(self) -> int:
        return len(self.context)

    @property
    def tokens(self) -> Tensor:
        """[B], positions of a row with its context: what a forward pass of it costs."""
        lengths = torch.tensor([len(c) for c in self.contexts])
        return lengths[self.context] + self.length

    def select(self, rows: Tensor) -> "Sequences":
        """The given rows (indices or a boolean mask), with T cut to the longest and only the contexts in use."""
        rows = torch.arange(len(self))[rows]
        used, context = torch.unique(self.context[rows], return_inverse=True)
        length = self.length[rows]
        longest = max(int(length.max()), 1) if len(rows) else 1
        width = self.actions.shape[1]
        cut = {k: v[rows][:, :longest] if by_step(k, v) and v.shape[1] == width else v[rows] for k, v in self.quantities.items()}
        return Sequences(
            [self.contexts[i] for i in used.tolist()],
            context,
            self.actions[rows, :longest],
            self.mask[rows, :longest],
            length,
            cut,
            self.temperature,
        )

    def with_quantities(self, **more: Tensor) -> "Sequences":
        """The same sequences with more named tensors."""
        return replace(self, quantities={**self.quantities, **more})


def pad(rows: Sequence[Sequence[float] | Tensor], dtype: torch.dtype, width: int | None = None) -> Tensor:
    """Rows of different length as one [B, T] tensor, zero beyond each row's end."""
    width = max([len(row) for row in rows] + [1]) if width is None else width
    out = torch.zeros(len(rows), width, dtype=dtype)
    for i, row in enumerate(rows):
        out[i, : len(row)] = torch.as_tensor(row, dtype=dtype)
    return out


def concatenate(parts: Sequence[Sequences]) -> Sequences:
    """Several batches as one; equal contexts are not merged. Quantities must be the same names everywhere."""
    width = max(p.actions.shape[1] for p in parts)
    offsets = torch.tensor([0] + [len(p.contexts) for p in parts[:-1]]).cumsum(0)

    def wide(x: Tensor, own: int, steps: bool) -> Tensor:
        if not steps or x.shape[1] != own:
            return x
        return torch.cat([x, x.new_zeros(x.shape[0], width - own, *x.shape[2:])], 1)

    def joined(get: Any, name: str = "action") -> Tensor:
        return torch.cat([wide(get(p), p.actions.shape[1], by_step(name, get(p))) for p in parts])

    return Sequences(
        [c for p in parts for c in p.contexts],
        torch.cat([p.context + o for p, o in zip(parts, offsets, strict=True)]),
        joined(lambda p: p.actions),
        joined(lambda p: p.mask),
        joined(lambda p: p.length),
        {name: joined(lambda p, n=name: p.quantities[n], name) for name in parts[0].quantities},
        parts[0].temperature,
    )


def merge(parts: Sequence[Sequences]) -> Sequences:
    """The bare sequences of several batches as one, with no quantities but those that models read; equal contexts are one context."""
    bare = concatenate([replace(part, quantities={n: v for n, v in part.quantities.items() if n in SENT_ALONG}) for part in parts])
    places: dict[bytes, int] = {}
    kept = [places.setdefault(context.numpy().tobytes(), len(places)) for context in bare.contexts]
    contexts = [bare.contexts[kept.index(i)] for i in range(len(places))]
    return replace(bare, contexts=contexts, context=torch.tensor(kept, dtype=torch.long)[bare.context])


@dataclass(frozen=True, slots=True)  # there may be a million
class Side:
    """One tokenized sequence of an example: context, actions, which of them are trained on, and named numbers of each action."""

    context: tuple[int, ...]
    actions: tuple[int, ...]
    mask: tuple[bool, ...]
    steps: Mapping[str, tuple[float, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Example:
    """One tokenized row: its sides (``""``, or ``chosen`` and ``rejected``) and its numeric columns.

    The side ``""`` may be several sequences, the candidates of a ranking; a column then has a number for each of them, or one for all.
    """

    sides: Mapping[str, Side | tuple[Side, ...]]
    columns: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)

    @property
    def candidates(self) -> int:
        """How many sequences the row has on each side."""
        return max(len(side) if isinstance(side, tuple) else 1 for side in self.sides.values())


@dataclass
class Batch:
    """What a learner's step sees: sides, each B (or N) sequences, and named tensors that belong to no side.

    ``sides[""]`` holds plain sequences; pairs have ``chosen`` and ``rejected``.
    """

    sides: dict[str, Sequences]
    quantities: dict[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.sides.values())))

    def select(self, rows: Tensor) -> "Batch":
        """The given rows of every side and quantity."""
        rows = torch.arange(len(self))[rows]
        return Batch({k: s.select(rows) for k, s in self.sides.items()}, {k: v[rows] for k, v in self.quantities.items()})

    @property
    def tokens(self) -> Tensor:
        """[B], positions over all sides."""
        return torch.stack([s.tokens for s in self.sides.values()]).sum(0)


def as_read(sequences: Sequences) -> Sequences:
    """The sequences with what a policy reads in the place of its actions, where that is another thing (``fed``)."""
    fed = sequences.quantities.get("fed")
    return sequences if fed is None else replace(sequences, actions=fed.long())


SENT_ALONG = ("user", "rule")  # columns that a model reads, not only a loss: who a sequence is scored for, by which rule


def collate(examples: Sequence[Example]) -> Batch:
    """Tokenized rows as a batch. Sides with the same context share it. The candidates of a ranking are a ``group``, one row each."""
    candidates = [example.candidates for example in examples]
    columns = {name: _column([e.columns[name] for e in examples], candidates) for name in examples[0].columns}
    if any(isinstance(side, tuple) for side in examples[0].sides.values()):
        columns["group"] = torch.arange(len(examples)).repeat_interleave(torch.tensor(candidates))
    columns |= {name: _whole(name, columns[name]) for name in SENT_ALONG if name in columns}
    along = {name: columns[name] for name in SENT_ALONG if name in columns}
    sides = {}
    for side in examples[0].sides:
        rows = [row for e in examples for row in (e.sides[side] if isinstance(e.sides[side], tuple) else (e.sides[side],))]
        places: dict[tuple[int, ...], int] = {}
        context = torch.tensor([places.setdefault(row.context, len(places)) for row in rows])
        sides[side] = Sequences(
            [torch.tensor(c, dtype=torch.long) for c in places],
            context,
            pad([row.actions for row in rows], torch.long),
            pad([row.mask for row in rows], torch.bool),
            torch.tensor([len(row.actions) for row in rows]),
            {name: pad([row.steps[name] for row in rows], torch.float) for name in rows[0].steps} | along,
        )
    return Batch(sides, columns)


def _column(values: Sequence[float | tuple[float, ...]], candidates: Sequence[int]) -> Tensor:
    """[B], the numbers of a column, one for each sequence."""
    out = []
    for value, count in zip(values, candidates, strict=True):
        own = [float(v) for v in value] if isinstance(value, tuple) else [float(value)] * count
        if len(own) != count:
            raise InputError(f"a column has {len(own)} numbers for {count} candidates; give one for each, or one for all")
        out += own
    return torch.tensor(out)


def _whole(name: str, values: Tensor) -> Tensor:
    """An index, as whole numbers.

    Raises:
        InputError: it is none.
    """
    wrong = (values < 0) | (values != values.floor())
    if wrong.any():
        raise InputError(f"column {name!r} holds {float(values[wrong][0]):g}; it is an index: a whole number from 0 on")
    return values.long()


def prefixed(side: str, name: str) -> str:
    """The name of a quantity on a side: ``prefixed("chosen", "logp")`` is ``chosen_logp``."""
    assert side in ("", *SIDES)
    return f"{side}_{name}" if side else name
