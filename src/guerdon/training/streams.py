"""Streams: tokenized rows, drawn in an order that is a pure function of the seed."""

from collections.abc import Sequence

import torch

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.sequences import Batch, Example, collate


class Stream:
    """Minibatches of examples; step ``s`` (from 1) always holds the same rows.

    Raises:
        InputError: there are no examples.
    """

    def __init__(self, examples: Sequence[Example], rows_per_step: int, seed: int):
        if not len(examples):
            raise InputError("the data have no rows")
        self.examples, self.rows, self.seed = examples, rows_per_step, seed

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every row was seen."""
        return -(-len(self.examples) // self.rows)

    def batch(self, step: int) -> Batch:
        """The rows of a step: every epoch is a permutation of its own, cut into steps without regard to its end."""
        first = (step - 1) * self.rows
        orders: dict[int, torch.Tensor] = {}
        chosen = []
        for place in range(first, first + self.rows):
            epoch, inside = divmod(place, len(self.examples))
            if epoch not in orders:
                orders[epoch] = torch.randperm(len(self.examples), generator=generator(self.seed, "order", epoch))
            chosen.append(self.examples[int(orders[epoch][inside])])
        return collate(chosen)
