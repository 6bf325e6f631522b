"""Worlds whose answers are the sequences of a tree: what bandits and token trees share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.randomness import generator
from guerdon.sequences import Sequences, pad


class EnumerableWorld:
    """A world that has C ``contexts``, a ``tree`` of S sequences that answer each, and ``rewards()`` [C, S].

    It is also a task: its rows are its contexts (the held-out rows are the same ones: nothing is hidden in a finite world), and its reward takes
    a prompt (the context's index) and a completion (the list of actions).
    """

    contexts: int
    noise: float = 0.0  # standard deviation of what is observed around the expected reward

    @property
    def tree(self) -> PrefixTree:
        raise NotImplementedError

    def rewards(self) -> Tensor:
        """[C, S], the expected reward of every sequence, in the order of ``tree``."""
        raise NotImplementedError

    def expected_reward_of(self, sequences: Sequences) -> Tensor:
        """[B], the table's entry for each sequence.

        Raises:
            InputError: a sequence was cut off, or a context is not one of the world's.
        """
        where = context_indices(sequences, self.contexts)
        return _table(self)[where, self.tree.index(sequences.actions, sequences.length)]

    def reward_of(self, sequences: Sequences, seed: int | None = None) -> Tensor:
        """[B], the reward of each sequence as it is observed: with ``noise`` drawn from the seed, where the world has any.

        Raises:
            InputError: as above; or the world is noisy and no seed was given.
        """
        reward = self.expected_reward_of(sequences)
        if self.noise == 0:
            return reward
        if seed is None:
            raise InputError(
                f"the rewards of {type(self).__name__} have noise {self.noise}: observe them with reward_of(..., seed=...), "
                "or ask for expected_reward_of"
            )
        return reward + self.noise * torch.randn(len(reward), dtype=torch.float64, generator=generator(seed, "reward noise"))

    def exact(self, policy: Any) -> dict[str, float]:
        """``expected_reward`` of the policy, averaged over contexts."""
        return {"expected_reward": float(policy.expect(self.rewards()).detach().mean())}

    def policy(self, deviation: float = 0.0, seed: int = 0) -> PrefixTable:
        """The table that can express every policy of this world: uniform, or with logits from N(0, deviation^2)."""
        return PrefixTable(self.contexts, self.tree.vocabulary, self.tree.depth, self.tree.end, deviation, seed)

    def train(self) -> list[dict[str, int]]:
        return [{"prompt": index} for index in range(self.contexts)]

    def test(self) -> list[dict[str, int]]:
        return self.train()

    @property
    def reward(self) -> "WorldReward":
        return WorldReward(self)


@dataclass(frozen=True)
class WorldReward:
    """The expected reward of a finite world in the signature of ``feedback.rewards``."""

    world: Any

    def __call__(self, prompts: Sequence[int], completions: Sequence[Sequence[int]], **columns: Any) -> list[float]:
        length = torch.tensor([len(actions) for actions in completions])
        if len(length) == 0:
            return []
        if int(length.min()) == 0:
            raise InputError(f"completion {int(length.argmin())} is empty: a finite world rewards complete sequences of actions")
        actions = pad(completions, torch.long)
        mask = torch.arange(actions.shape[1]) < length.unsqueeze(-1)
        contexts = [torch.tensor([int(prompt)]) for prompt in prompts]
        return self.world.expected_reward_of(Sequences(contexts, torch.arange(len(contexts)), actions, mask, length)).tolist()


@lru_cache(maxsize=64)
def _table(world: Any) -> Tensor:
    return world.rewards()


def table(rows: Sequence[Sequence[float]], shape: tuple[int, ...], name: str) -> Tensor:
    """Given numbers as a float64 table of this shape.

    Raises:
        InputError: the rows have another shape.
    """
    try:
        found = torch.tensor(rows, dtype=torch.float64)
    except ValueError as error:
        raise InputError(f"{name} has rows of different lengths: give a table of shape {shape}") from error
    if tuple(found.shape) != shape:
        raise InputError(f"{name} has shape {tuple(found.shape)}: give a table of shape {shape}")
    return found
