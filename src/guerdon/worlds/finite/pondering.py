"""Pondering: an answer thinks for some steps and then answers; too few thoughts are a guess, too many are for nothing.

    actions   think (0), idle (1), answer (2), which ends; at most ``depth`` steps
    need(x)   = 1 + x mod kinds, one more for every other round of kinds
    P(right)  = 1 where need(x) thoughts came before the answer, ``guess`` where fewer did, 0 where no answer came

Whether an answer is right is drawn, 0 or 1, as a verifier would say; ``rewards()`` are the probabilities. Idle steps look like thoughts and help nobody; what a
problem needs differs, and a policy that shares what it learns between problems of a kind cannot know it to the step.

Source: ours; the overthinking of easy problems, Chen et al. 2024, arXiv 2412.21187, with length, accuracy and difficulty apart.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.randomness import generator
from guerdon.sequences import Sequences
from guerdon.worlds.finite.enumerable import EnumerableWorld

THINK, IDLE, ANSWER = range(3)
HOPELESS = 1 << 30  # thoughts


@dataclass(frozen=True)
class Pondering(EnumerableWorld):
    contexts: int = 16
    kinds: int = 4
    depth: int = 7
    guess: float = 0.2
    hopeless: int = 0  # so many of the last problems are never solved

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(3, self.depth, ANSWER)

    @property
    def need(self) -> Tensor:
        """[C], thoughts that each problem needs."""
        place = torch.arange(self.contexts)
        need = 1 + place % self.kinds + (place // self.kinds) % 2
        return torch.where(place < self.contexts - self.hopeless, need, HOPELESS)

    def rewards(self) -> Tensor:
        thoughts, answered = _counted(self.tree.actions, self.tree.mask)
        return self._chance(self.need.unsqueeze(-1), thoughts, answered)

    def expected_reward_of(self, sequences: Sequences) -> Tensor:
        """[B], how likely each is right; one that was cut off never is."""
        thoughts, answered = _counted(sequences.actions, sequences.mask)
        return self._chance(self.need[context_indices(sequences, self.contexts)], thoughts, answered)

    def reward_of(self, sequences: Sequences, seed: int | None = None) -> Tensor:
        """[B], whether each was right, drawn from the seed."""
        chance = self.expected_reward_of(sequences)
        return (torch.rand(len(chance), dtype=torch.float64, generator=generator(seed or 0, "right")) < chance).double()

    def _chance(self, need: Tensor, thoughts: Tensor, answered: Tensor) -> Tensor:
        return torch.where(thoughts >= need, 1.0, torch.where(need == HOPELESS, 0.0, self.guess)).double() * answered


def _counted(actions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Thoughts of each sequence, and whether it was answered."""
    return ((actions == THINK) & mask).sum(-1), ((actions == ANSWER) & mask).any(-1)
