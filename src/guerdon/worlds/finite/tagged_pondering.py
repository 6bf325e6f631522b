"""Tagged pondering: an answer says first what its problem is like, thinks for some steps and then answers.

    first action      easy (0), hard (1), or an answer (2) without a tag, which ends
    then, as in Pondering: think (0), idle (1), answer (2); at most ``depth`` steps in all

The tag does nothing by itself: what it is worth is what a policy makes of it. Problems of the last kind are right no more often than ``ceiling``, however long one
thinks, so that they stay hard for a policy that has learned everything.

Source: ours; Pondering with the tags of AdaCtrl, arXiv 2505.18822, before it.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.models.finite.tree import context_indices
from guerdon.sequences import Sequences
from guerdon.worlds.finite.pondering import ANSWER, THINK, Pondering

EASY, HARD = 0, 1


@dataclass(frozen=True)
class TaggedPondering(Pondering):
    contexts: int = 12
    kinds: int = 3
    ceiling: float = 0.5

    @property
    def most(self) -> Tensor:
        """[C], how likely each problem is right at best."""
        last = torch.arange(self.contexts) % self.kinds == self.kinds - 1
        return torch.where(last, self.ceiling, 1.0).double()

    def rewards(self) -> Tensor:
        thoughts, answered = _counted(self.tree.actions, self.tree.mask)
        return self._chance(self.need.unsqueeze(-1), thoughts, answered).minimum(self.most.unsqueeze(-1))

    def expected_reward_of(self, sequences: Sequences) -> Tensor:
        """[B], how likely each is right; one that was cut off never is."""
        thoughts, answered = _counted(sequences.actions, sequences.mask)
        where = context_indices(sequences, self.contexts)
        return self._chance(self.need[where], thoughts, answered).minimum(self.most[where])

    @staticmethod
    def tag(prompts: list[Any], completions: list[list[int]], **columns: Any) -> list[float]:
        """What answers say first: 0 easy, 1 hard, -1 nothing."""
        return [float(said[0]) if said[0] in (EASY, HARD) else -1.0 for said in completions]


def _counted(actions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Thoughts after the first step, and whether it was answered."""
    return ((actions == THINK) & mask)[..., 1:].sum(-1), ((actions == ANSWER) & mask).any(-1)
