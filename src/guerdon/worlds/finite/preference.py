"""Worlds in which answers are compared and have no score: what preference games share."""

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.sequences import Sequences


class PreferenceGame:
    """A world that has C ``contexts``, A ``actions`` and ``preference()`` [C, A, A] with P(i beats j) + P(j beats i) = 1.

    It is a task without a reward: how good an answer is depends on what it is compared with.
    """

    contexts: int
    actions: int

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.actions)

    def preference(self) -> Tensor:
        """[C, A, A], the probability that the row's action beats the column's."""
        raise NotImplementedError

    def prefer(self, first: Sequences, second: Sequences) -> Tensor:
        """[B], the probability that each sequence of ``first`` beats its counterpart in ``second``, an answer to the same context."""
        where, there = context_indices(first, self.contexts), context_indices(second, self.contexts)
        if not torch.equal(where, there):
            raise InputError("the two sides of a comparison answer different contexts: pair the sequences row by row")
        return self.preference()[where, self.tree.index(first.actions, first.length), self.tree.index(second.actions, second.length)]

    def policy(self, deviation: float = 0.0, seed: int = 0) -> PrefixTable:
        """The softmax over the actions: uniform, or with logits from N(0, deviation^2)."""
        return PrefixTable(self.contexts, self.actions, 1, None, deviation, seed)

    def train(self) -> list[dict[str, int]]:
        return [{"prompt": index} for index in range(self.contexts)]

    def test(self) -> list[dict[str, int]]:
        return self.train()

    @property
    def reward(self) -> None:
        return None


def antisymmetric(upper: Tensor) -> Tensor:
    """[C, A, A] of which the upper triangle is read → preferences with P + P^T = 1 and 1/2 on the diagonal."""
    above = torch.triu(upper - 0.5, diagonal=1)
    return 0.5 + above - above.transpose(-1, -2)
