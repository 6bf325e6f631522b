"""Scored items: a policy over the items of a table, by a head that reads their vectors: for everybody, or for each user.

    log p(i | u) = score(x_i, u) - log sum_j exp score(x_j, u)        [B, 1], a sequence being one item

With a head for people it is a conditioned policy: what preference optimisation (``Pairwise(LogRatio(...), ...)``) does to it, it does to
all of them at once.

Source: ours; the linear softmax policy of Sutton and Barto 2018, section 13.1, with whatever head.
Differs from Tabular: what is learned of an item acts on those that are like it, and who asks may count.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.models.encoders.embedded import EmbeddedModel
from guerdon.models.encoders.vectors import Vectors
from guerdon.models.heads import Head
from guerdon.sequences import Example, Sequences


@dataclass(frozen=True)
class ScoredItems:
    """Specification.

    Attributes:
        of: anything with ``features()`` [I, D]; a world of users.
    """

    of: Any
    head: Head

    def build(self, seed: int = 0) -> "ItemPolicy":
        return ItemPolicy(EmbeddedModel(Vectors(self.of).build(seed), self.head, seed))


class ItemPolicy:
    """The running policy. ``scorer`` is the head on the table."""

    measures = frozenset({"logp"})

    def __init__(self, scorer: EmbeddedModel):
        self.scorer = scorer

    @property
    def module(self) -> nn.Module:
        return self.scorer.module

    @property
    def head(self) -> Head:
        return self.scorer.head

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that the head reads."""
        return self.scorer.columns

    def log_probabilities(self, users: Tensor) -> Tensor:
        """[U, I], of every item for each of the users [U], with gradients."""
        items = len(self.scorer.encoder.table)
        asked = users if self.columns else users[:1]
        one = torch.ones(len(asked) * items, 1, dtype=torch.long)
        actions = torch.arange(items).repeat(len(asked)).unsqueeze(-1)
        everything = Sequences(
            [torch.tensor([0])],
            torch.zeros(len(one), dtype=torch.long),
            actions,
            one.bool(),
            one.squeeze(-1),
            {"user": asked.repeat_interleave(items)},
        )
        score = self.scorer.measure(everything, {"score"})["score"].view(len(asked), items)
        return score.log_softmax(-1).expand(len(users), items)

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """``logp`` [B, 1]."""
        if "logp" not in names:
            return {}
        user = sequences.quantities.get("user", torch.zeros(len(sequences), dtype=torch.long))
        users, place = torch.unique(user, return_inverse=True)
        return {"logp": self.log_probabilities(users)[place].gather(-1, sequences.actions[:, :1])}

    def acquaint(self, examples: Sequence[Example]) -> None:
        """Let a head that asks for it know comparisons that its users have made."""
        self.scorer.acquaint(examples)

    def for_new_users(self, users: int) -> "ItemPolicy":
        """The policy for people whom it has not seen, with all that is not their own frozen."""
        return ItemPolicy(self.scorer.for_new_users(users))

    def reference(self) -> "ItemPolicy":
        """The policy as it is now, frozen."""
        return ItemPolicy(self.scorer.reference())

    def save(self, folder: Path, merge: bool = True) -> None:
        """The head and the table."""
        self.scorer.save(folder, merge)
