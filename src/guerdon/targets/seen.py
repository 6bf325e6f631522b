"""What an objective sees: tables of log-probabilities, in plain torch, by an enumeration of their own.

A policy is a table of logits [C, P, V]: contexts, prefixes, actions. It is known only that prefix 0 is the start and that action a leads from prefix n to n V + a + 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor


def answers(vocabulary: int, depth: int, end: int) -> list[tuple[int, ...]]:
    """Every sequence that stops at ``end`` or after ``depth`` steps, shorter ones first."""
    done, alive = [], [()]
    for step in range(1, depth + 1):
        grown = [(*begun, action) for begun in alive for action in range(vocabulary)]
        done += [answer for answer in grown if answer[-1] == end or step == depth]
        alive = [answer for answer in grown if answer[-1] != end]
    return done


@dataclass(frozen=True)
class Said:
    """What a policy, or a view in its place, says of N answers of up to T steps.

    Attributes:
        tables: logits [C, P, V] of the policy ("") and of each view; the policy's have gradients.
        words: the answers [S] that there are.
        context, answer: [N].
        view: whose log-probabilities these are.
    """

    tables: Mapping[str, Tensor]
    words: list[tuple[int, ...]]
    context: Tensor
    answer: Tensor
    view: str = ""

    def under(self, view: str) -> "Said":
        """The same answers, as a view says them."""
        return replace(self, view=view)

    def at(self, rows: Tensor) -> "Said":
        """Some of the answers, in any order: rows of any shape, by which everything is indexed."""
        return replace(self, context=self.context[rows], answer=self.answer[rows])

    def to(self, context: Tensor) -> "Said":
        """The same words in answer to other contexts."""
        return replace(self, context=context)

    @property
    def mask(self) -> Tensor:
        """[..., T], 1 within an answer, 0 beyond it."""
        lengths = torch.tensor([len(word) for word in self.words])[self.answer]
        return (torch.arange(max(map(len, self.words))) < lengths.unsqueeze(-1)).double()

    @property
    def length(self) -> Tensor:
        """[...]"""
        return self.mask.sum(-1)

    @property
    def next(self) -> Tensor:
        """[..., T, V], log-probabilities of the next step before each step; of no meaning beyond the answer."""
        table = self.tables[self.view].log_softmax(-1)
        nodes = torch.zeros(len(self.words), max(map(len, self.words)), dtype=torch.long)
        for row, word in enumerate(self.words):
            node = 0
            for step, action in enumerate(word):
                nodes[row, step] = node
                node = node * table.shape[-1] + action + 1
        return table[self.context.unsqueeze(-1), nodes[self.answer]]

    @property
    def steps(self) -> Tensor:
        """[..., T], the log-probability of each step; 0 beyond the answer."""
        return self._taken(self.next)

    def _taken(self, next: Tensor) -> Tensor:
        padded = torch.tensor([[*word, *[0] * (max(map(len, self.words)) - len(word))] for word in self.words])
        return next.gather(-1, padded[self.answer].unsqueeze(-1)).squeeze(-1) * self.mask

    def of(self, next: Tensor) -> Tensor:
        """[...], the log-probability that each answer would have if the next steps had these, [..., T, V]."""
        return self._taken(next).sum(-1)

    @property
    def total(self) -> Tensor:
        """[...], the log-probability of each answer."""
        return self.steps.sum(-1)

    @property
    def mean(self) -> Tensor:
        """[...], that per step."""
        return self.total / self.length

    @property
    def probability(self) -> Tensor:
        """[...]"""
        return self.total.exp()

    @property
    def ratio(self) -> Tensor:
        """[...], the log-ratio of each answer to the view ``ref``."""
        return self.total - self.under("ref").total.detach()


def clipped(ratio: Tensor, advantage: Tensor, low: float, high: float) -> Tensor:
    """PPO's gain: no more from a ratio beyond 1 - low or 1 + high in the direction that the advantage favours."""
    return torch.min(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)
