"""Streams: tokenized rows, drawn in an order that is a pure function of the seed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import torch

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.sequences import Batch, Example, Side, collate


class Stream:
    """Minibatches of examples; step ``s`` (from 1) always holds the same rows.

    Raises:
        InputError: there are no examples.
    """

    def __init__(self, examples: Sequence[Example], rows_per_step: int, seed: int):
        if not len(examples):
            raise InputError("the data have no rows")
        self.examples, self.rows, self.seed = examples, rows_per_step, seed
        self.order: tuple[int, torch.Tensor] = (-1, torch.empty(0))  # the epoch whose order is at hand, and that order

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every row was seen."""
        return -(-len(self.examples) // self.rows)

    def batch(self, step: int) -> Batch:
        """The rows of a step: every epoch is a permutation of its own, cut into steps without regard to its end."""
        return collate(list(islice(self._from(step), self.rows)))

    def crossed(self, batch: Batch, step: int) -> Batch:
        """The batch of a step with the context of the next row in order that has another prompt, if all its rows have the same one: what answers are put
        to that are to be put to another prompt. No row answers it."""
        for name, side in batch.sides.items():
            own = {tuple(context.tolist()) for context in side.contexts}
            if len(own) > 1:
                continue
            following = islice(self._from(step + 1), len(self.examples))
            contexts = (sequence.context for example in following for sequence in sequences_of(example, name))
            found = next((context for context in contexts if context not in own), None)
            if found is not None:
                batch.sides[name] = replace(side, contexts=[*side.contexts, torch.tensor(found, dtype=torch.long)])
        return batch

    def _from(self, step: int) -> Iterator[Example]:
        """All rows in order, from the first of a step on, epoch after epoch."""
        epoch, inside = divmod((step - 1) * self.rows, len(self.examples))
        while True:
            if self.order[0] != epoch:
                self.order = (epoch, torch.randperm(len(self.examples), generator=generator(self.seed, "order", epoch)))
            order = self.order[1]
            for first in range(inside, len(order), self.rows):  # a step's places at a time: there may be a million
                yield from map(self.examples.__getitem__, order[first : first + self.rows].tolist())
            epoch, inside = epoch + 1, 0


def sequences_of(example: Example, side: str) -> tuple[Side, ...]:
    """The sequences that a row has on a side."""
    found = example.sides[side]
    return found if isinstance(found, tuple) else (found,)
