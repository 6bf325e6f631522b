"""Problems of several domains that ask for skills, and a policy to which a skill that is learned in one domain is there in the others.

    right action at step t of domain d = code[skill(d, t)], one further where (d, t) is odd        a problem of level l asks for the first l steps
    logits at step t of problem x      = own[x, t] + shared[skill(d, t)] + private[d, t]            ``own`` is frozen, N(0, 1/4); the others are trained, from 0

Domains that use a skill alike help each other; one that is odd there wants of it the opposite, and what it learns hurts the other until their private parts have made up
for it. Everything is measured by sums over all answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class Skills(EnumerableWorld):
    """``uses``: the skill of each step, by domain; ``levels``: of each domain's problems; ``each``: problems of each level of a domain."""

    uses: tuple[tuple[int, ...], ...]
    levels: tuple[tuple[int, ...], ...]
    odd: tuple[tuple[int, int], ...] = ()
    each: int = 2
    vocabulary: int = 4
    seed: int = 0

    @property
    def problems(self) -> list[tuple[int, int]]:
        """Domain and level of each problem."""
        return [(domain, level) for domain, levels in enumerate(self.levels) for level in levels for _ in range(self.each)]

    @property
    def contexts(self) -> int:
        return len(self.problems)

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, len(self.uses[0]))

    @property
    def domain(self) -> Tensor:
        """[C]"""
        return torch.tensor([domain for domain, _ in self.problems])

    @property
    def level(self) -> Tensor:
        """[C]"""
        return torch.tensor([level for _, level in self.problems])

    @property
    def skill(self) -> Tensor:
        """[C, depth]"""
        return torch.tensor(self.uses)[self.domain]

    @property
    def code(self) -> Tensor:
        """[C, depth], the right action at each step."""
        code = torch.randint(self.vocabulary, (1 + max(max(row) for row in self.uses),), generator=generator(self.seed, "codes"))
        further = torch.zeros(len(self.uses), len(self.uses[0]), dtype=torch.long)
        for domain, step in self.odd:
            further[domain, step] = 1
        return (code[self.skill] + further[self.domain]) % self.vocabulary

    def rewards(self) -> Tensor:
        right = self.tree.actions.unsqueeze(0) == self.code.unsqueeze(1)  # [C, S, depth]
        beyond = torch.arange(self.tree.depth) >= self.level.view(-1, 1, 1)
        return (right | beyond).all(-1).double()

    def train(self) -> list[dict[str, Any]]:
        return [{"prompt": x, "domain": domain, "level": level} for x, (domain, level) in enumerate(self.problems)]

    def rows(self, domains: Sequence[int], levels: Sequence[int] | None = None) -> list[dict[str, Any]]:
        return [row for row in self.train() if row["domain"] in domains and (levels is None or row["level"] in levels)]

    def start(self, own: float = 0.5) -> "Skilled":
        """The policy that has learned nothing yet."""
        shape = (self.contexts, self.tree.depth, self.vocabulary)
        return Skilled(self, own * torch.randn(shape, dtype=torch.float64, generator=generator(self.seed, "own")))

    @torch.no_grad()
    def success(self, policy: TablePolicy, domain: int, level: int | None = None) -> float:
        """How likely an answer is right, over the problems of a domain, and of a level of it."""
        rate = policy.expect(self.rewards())
        which = self.domain == domain if level is None else (self.domain == domain) & (self.level == level)
        return float(rate[which].mean())


class Skilled(TablePolicy):
    """A policy over the sequences of a tree. ``module`` holds ``shared`` [skills, V] and ``private`` [domains, depth, V]."""

    def __init__(self, world: Skills, own: Tensor) -> None:
        tree = world.tree
        self.at = torch.arange(tree.depth).repeat_interleave(tree.vocabulary ** torch.arange(tree.depth))  # of each prefix, its length
        super().__init__(tree, own[:, self.at])
        self.own, self.skill, self.domain = own, world.skill, world.domain
        shapes = {"shared": (1 + int(world.skill.max()), world.vocabulary), "private": (len(world.uses), tree.depth, world.vocabulary)}
        self.module = nn.ParameterDict({name: nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for name, shape in shapes.items()})

    @property
    def logits(self) -> Tensor:
        return (self.own + self.module["shared"][self.skill] + self.module["private"][self.domain])[:, self.at]
