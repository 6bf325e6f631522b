"""Encoding each pair of a context and an answer once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from guerdon.sequences import Sequences
from guerdon.tasks.encoding import Tokens

Pair = tuple[Tokens, Tokens]


class Remembering(ABC):
    """A running encoder that says how fresh pairs are encoded; each is encoded once, those of like length together."""

    def __init__(self) -> None:
        self.known: dict[Pair, Tensor] = {}

    @abstractmethod
    def encoded(self, pairs: Sequence[Pair]) -> list[Tensor]:
        """The vector [D] of each pair."""

    @torch.no_grad()
    def embed(self, sequences: Sequences) -> Tensor:
        """See ``guerdon.models.encoders.RunningEncoder``."""
        contexts = [tuple(context.tolist()) for context in sequences.contexts]
        lengths = sequences.length.tolist()
        answers = [tuple(tokens[:length]) for tokens, length in zip(sequences.actions.tolist(), lengths, strict=True)]
        rows = [(contexts[c], answer) for c, answer in zip(sequences.context.tolist(), answers, strict=True)]
        fresh = [row for row in dict.fromkeys(rows) if row not in self.known]
        if fresh:
            self.known |= zip(fresh, self.encoded(fresh), strict=True)
        return torch.stack([self.known[row] for row in rows])
