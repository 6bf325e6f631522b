"""Contextual bandit: one action per context, and a table of expected rewards.

    observed reward = table[context, action] + noise * N(0, 1)

Source: Sutton and Barto 2018, section 2.3: the ten-armed testbed (means from N(0, 1), observed with variance 1; here ``noise`` is 0 unless asked
for, so that the default world is exact).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import EnumerableWorld, table


@dataclass(frozen=True)
class ContextualBandit(EnumerableWorld):
    contexts: int = 1
    actions: int = 10
    deviation: float = 1.0  # of the expected rewards
    noise: float = 0.0
    seed: int = 0
    means: tuple[tuple[float, ...], ...] | None = None  # [contexts][actions]; None: drawn

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.actions)

    def rewards(self) -> Tensor:
        if self.means is not None:
            return table(self.means, (self.contexts, self.actions), "ContextualBandit.means")
        draws = torch.randn(self.contexts, self.actions, dtype=torch.float64, generator=generator(self.seed, "contextual bandit"))
        return self.deviation * draws
