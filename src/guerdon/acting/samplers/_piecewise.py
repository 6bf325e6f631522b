"""Piecewise: sequences that are said and told piece by piece, with the policy's turns and what stands between them.

Each sequence has a context of its own among those given; a piece belongs to a number (an attempt, a turn), and what is told to the one that it leads to.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from guerdon.sequences import Sequences, pad


class Piecewise:
    """What stands in each of B sequences. ``numbered``: what the numbers of pieces are called, as a quantity [B, T]."""

    def __init__(self, contexts: Sequence[Tensor], context: Tensor, temperature: float, numbered: str):
        self.contexts, self.context, self.temperature, self.numbered = list(contexts), context, temperature, numbered
        self.actions: list[list[Tensor]] = [[] for _ in context]
        self.acted: list[list[tuple[Tensor, Tensor]]] = [[] for _ in context]  # mask and log-probabilities of the same pieces
        self.number: list[list[int]] = [[] for _ in context]
        self.length = torch.zeros(len(context), dtype=torch.long)
        self.terminated = torch.zeros(len(context), dtype=torch.bool)

    def add(self, rows: Tensor, said: Sequences, number: int, learned: bool = True) -> None:
        """What these rows said."""
        mask = said.mask & learned
        logp = torch.where(mask, said.quantities["old_logp"], 0.0)
        for place, (row, n) in enumerate(zip(rows.tolist(), said.length.tolist(), strict=True)):
            self._put(row, said.actions[place, :n], mask[place, :n], logp[place, :n], number)
        self.length[rows] += said.length
        self.terminated[rows] = said.quantities["terminated"]

    def tell(self, rows: Tensor, told: Sequence[Tensor], number: int) -> None:
        """What these rows were told."""
        for row, tokens in zip(rows.tolist(), told, strict=True):
            self._put(row, tokens, torch.zeros(len(tokens), dtype=torch.bool), self.acted[row][0][1].new_zeros(len(tokens)), number)
        self.length[rows] += torch.tensor([len(tokens) for tokens in told])

    def _put(self, row: int, tokens: Tensor, mask: Tensor, logp: Tensor, number: int) -> None:
        self.actions[row].append(tokens)
        self.acted[row].append((mask, logp))
        self.number[row].append(number)

    def branch(self, row: int, of: int) -> None:
        """This row goes on from where that one is."""
        for pieces in (self.actions, self.acted, self.number):
            pieces[row] = list(pieces[of])
        self.length[row], self.terminated[row] = self.length[of], self.terminated[of]

    def read(self, row: int, told: Tensor) -> Tensor:
        """What the policy reads before it goes on."""
        return torch.cat([self.contexts[int(self.context[row])], *self.actions[row], told])

    def sequences(self) -> Sequences:
        """All of it."""
        nothing = torch.zeros(0, dtype=torch.long)
        number = [
            torch.cat([nothing, *(torch.full((len(piece),), k) for piece, k in zip(pieces, own, strict=True))])
            for pieces, own in zip(self.actions, self.number, strict=True)
        ]
        mask = [torch.cat([nothing.bool(), *(mask for mask, _ in pieces)]) for pieces in self.acted]
        logp = [torch.cat([nothing.float(), *(logp for _, logp in pieces)]) for pieces in self.acted]
        recorded = {
            "old_logp": pad(logp, logp[0].dtype if logp else torch.float),
            "terminated": self.terminated,
            self.numbered: pad(number, torch.long),
        }
        actions = [torch.cat([nothing, *pieces]) for pieces in self.actions]
        return Sequences(
            self.contexts, self.context, pad(actions, torch.long), pad(mask, torch.bool), self.length, recorded, self.temperature
        )


def within(drawn: Sequences, bound: Tensor) -> Sequences:
    """The sequences, none longer than its own bound: all are drawn up to the largest."""
    length = torch.minimum(drawn.length, bound)
    inside = torch.arange(drawn.actions.shape[1]) < length.unsqueeze(-1)
    kept = {
        "old_logp": drawn.quantities["old_logp"] * inside,
        "terminated": drawn.quantities["terminated"] & (drawn.length <= bound),
    }
    return Sequences(drawn.contexts, drawn.context, drawn.actions * inside, drawn.mask & inside, length, kept, drawn.temperature)
