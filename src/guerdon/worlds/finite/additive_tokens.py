"""Additive tokens: each step earns by itself, so that the best sequence is the best token at every step.

    reward(x, y) = sum over t of w[x, t, y_t]        with ``shared``, w is the same at every step

The optimum is the sum over t of max_v w[x, t, v]; under a memoryless policy the KL-regularised optimum is memoryless too.

Source: the linear reward and memoryless source of Yang et al. 2024, Asymptotics of Language Model Alignment, arXiv 2404.01730.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import EnumerableWorld, table


@dataclass(frozen=True)
class AdditiveTokens(EnumerableWorld):
    contexts: int = 1
    vocabulary: int = 4
    depth: int = 4
    shared: bool = True  # the weights do not depend on the step
    deviation: float = 1.0
    noise: float = 0.0
    seed: int = 0
    given: tuple[float, ...] | None = None  # [vocabulary]: the weights of every context and step; None: drawn

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, self.depth)

    def weights(self) -> Tensor:
        """[C, depth, V], what each token earns."""
        shape = (self.contexts, self.depth, self.vocabulary)
        if self.given is not None:
            return table(self.given, (self.vocabulary,), "AdditiveTokens.given").expand(shape)
        steps = 1 if self.shared else self.depth
        draws = torch.randn(self.contexts, steps, self.vocabulary, dtype=torch.float64, generator=generator(self.seed, "additive tokens"))
        return self.deviation * draws.expand(shape)

    def rewards(self) -> Tensor:
        return self.weights()[:, torch.arange(self.depth), self.tree.actions].sum(-1)
