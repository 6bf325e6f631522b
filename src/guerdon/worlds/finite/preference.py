"""Worlds in which answers are compared and have no score: what preference games share."""

from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.solvers.exploitability import Exploitability
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.sequences import Sequences


class PreferenceGame:
    """A world that has C ``contexts``, A ``actions`` and ``preference()`` [C, A, A] with P(i beats j) + P(j beats i) = 1.

    How good an answer is depends on what it is compared with; as a task its reward is the share of wins against the other answers of its group.
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

    def reward_of(self, sequences: Sequences, seed: int | None = None) -> Tensor:
        """[B], the expected share of wins of each sequence against the others of its group, the answers to the same prompt; 1/2 for one that is alone. Nothing
        is drawn. A context that a batch holds twice is two prompts: the groups of a batch do not meet.

        Source: the reward of SPO, arXiv 2401.04056, whose queue is of one start.
        """
        where = context_indices(sequences, self.contexts)
        index = self.tree.index(sequences.actions, sequences.length)
        wins = self.preference()[where.unsqueeze(-1), index.unsqueeze(-1), index]
        others = (sequences.context.unsqueeze(-1) == sequences.context) & ~torch.eye(len(where), dtype=torch.bool)
        count = others.sum(-1)
        return torch.where(count > 0, (wins * others).sum(-1) / count.clamp(min=1), 0.5)

    def exact(self, policy: Any) -> dict[str, float]:
        """``exploitability``, averaged over contexts: twice what the best answer to the policy wins above half (``exact.solvers.exploitability``)."""
        played = torch.stack([policy.probabilities(context).detach() for context in range(self.contexts)])
        return {"exploitability": float(Exploitability()(self.preference(), played).mean())}

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
