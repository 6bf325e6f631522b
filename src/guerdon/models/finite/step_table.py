"""Step table: logits at each step, the same after every prefix: a policy without memory.

    pi(y | x) = prod over t of softmax(logits[x, t])[y_t]        [C, depth, V] logits, float64

What is learned of one sequence acts on all that share a token with it at the same place, as in a network and unlike in a table of prefixes.

Source: ours; the memoryless policies of Yang et al. 2024, Asymptotics of Language Model Alignment, arXiv 2404.01730. For rewards that add
up over steps (``worlds.finite.additive_tokens``) it holds the KL-regularised optimum of a reference of its kind.
Differs from PrefixTable: the step alone decides, not what came before.
Defaults: ``deviation`` 0 starts from the uniform policy; otherwise initial logits are drawn from N(0, deviation^2).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator


@dataclass(frozen=True)
class StepTable:
    contexts: int
    vocabulary: int
    depth: int
    deviation: float = 0.0
    seed: int = 0

    def build(self) -> "SteppedPolicy":
        shape = (self.contexts, self.depth, self.vocabulary)
        draws = torch.randn(shape, dtype=torch.float64, generator=generator(self.seed, "step table"))
        return SteppedPolicy(PrefixTree(self.vocabulary, self.depth), self.deviation * draws)


class SteppedPolicy(TablePolicy):
    """A policy over the sequences of a tree. ``module`` holds ``steps`` [C, depth, V]; saved, it is the whole table."""

    def __init__(self, tree: PrefixTree, steps: Tensor) -> None:
        self.at = torch.arange(tree.depth).repeat_interleave(tree.vocabulary ** torch.arange(tree.depth))  # of each prefix, its length
        super().__init__(tree, steps[:, self.at])
        self.module = nn.ParameterDict({"steps": nn.Parameter(steps.detach().clone())})

    @property
    def logits(self) -> Tensor:
        return self.module["steps"][:, self.at]
