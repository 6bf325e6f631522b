"""Ladder: problems of a kind have one solution, of which the easy ones ask for the beginning and the hard ones for all.

    code(kind)   = ``depth`` actions, drawn once
    level(x)     = 1 + (x div kinds) mod depth
    reward(x, y) = 1 where the first level(x) actions of y are those of the kind's code, else 0

A policy that answers uniformly solves a problem of level l with a chance of vocabulary^-l. One that shares what it learns between problems of a kind
(``SharedShift``) learns from each the steps that the harder ones begin with. Rows say their ``level``, their kind (``task``) and the ``solution``.

Source: ours; the combination lock of hard exploration (as in Agarwal et al. 2020, arXiv 2007.08459), with its prefixes as problems of their own.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class Ladder(EnumerableWorld):
    contexts: int = 20
    kinds: int = 4
    vocabulary: int = 4
    depth: int = 5
    seed: int = 0

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, self.depth)

    @property
    def level(self) -> Tensor:
        """[C], how many actions a problem asks for."""
        return 1 + (torch.arange(self.contexts) // self.kinds) % self.depth

    @property
    def code(self) -> Tensor:
        """[C, depth], the solution of each problem's kind."""
        codes = torch.randint(self.vocabulary, (self.kinds, self.depth), generator=generator(self.seed, "codes"))
        return codes[torch.arange(self.contexts) % self.kinds]

    def rewards(self) -> Tensor:
        right = self.tree.actions.unsqueeze(0) == self.code.unsqueeze(1)  # [C, S, depth]
        beyond = torch.arange(self.depth) >= self.level.view(-1, 1, 1)
        return (right | beyond).all(-1).double()

    def train(self) -> list[dict[str, Any]]:
        code, level = self.code.tolist(), self.level.tolist()
        return [{"prompt": x, "level": level[x], "task": x % self.kinds, "solution": code[x]} for x in range(self.contexts)]
