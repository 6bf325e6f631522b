"""Prompted groups: which kind of person a question attracts depends on the question, and verdicts do not say who judged.

    utility[u, i] = strength * g_k . x_i,   k the group of u;         P(group k | prompt c) = softmax_k(sharpness * r_k . x_c)

The first ``prompts`` items are questions, the rest answers; x from N(0, 1), g_k of length 1 with g_k . g_l = ``agreement``, r_k orthogonal,
of length 1. User u is of the group u mod ``groups``. ``anonymous`` verdicts are given, each, by somebody whom the question has attracted.

Source: ours; subpopulations with weights that depend on the prompt, MiCRo, Shen et al. 2025, arXiv 2505.24846, eq. 1.
Differs from MixedTastes: there are prompts, and they decide who judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.worlds.users._crowd import Crowd
from guerdon.worlds.users.mixed_tastes import directions


@dataclass(frozen=True)
class PromptedGroups(Crowd):
    prompts: int = 60
    answers: int = 140
    users: int = 12
    groups: int = 3
    width: int = 12
    agreement: float = 0.0
    sharpness: float = 2.0
    strength: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.groups <= self.width or self.prompts < 1:
            raise InputError(f"{self!r}: there is a prompt, and groups lies between 1 and width")

    @property
    def items(self) -> int:
        return self.prompts + self.answers

    def features(self) -> Tensor:
        return torch.randn(self.items, self.width, dtype=torch.float64, generator=generator(self.seed, "items"))

    def tastes(self) -> Tensor:
        """[K, D], how each group judges."""
        return self.strength * directions(self.groups, self.width, self.agreement, generator(self.seed, "groups"))

    def utility(self) -> Tensor:
        return (self.tastes() @ self.features().T)[torch.arange(self.users) % self.groups]

    def attracted(self) -> Tensor:
        """[prompts, K], the probability of each group, given the prompt."""
        roads = directions(self.groups, self.width, 0.0, generator(self.seed, "roads"))
        return (self.sharpness * self.features()[: self.prompts] @ roads.T).softmax(-1)

    def odds(self, prompts: Sequence[int], answers: Sequence[int]) -> Tensor:
        """[C, A, A], the probability that whoever is attracted prefers the row's answer to the column's."""
        utility = self.tastes() @ self.features()[list(answers)].T
        each = torch.sigmoid(utility.unsqueeze(-1) - utility.unsqueeze(-2))
        return torch.einsum("ck,kab->cab", self.attracted()[list(prompts)], each)

    def anonymous(self, n: int, prompts: Sequence[int], answers: Sequence[int], seed: int) -> Tensor:
        """[n, 3]: prompt, preferred answer, other answer. The first of more are the same."""
        rng = generator(seed, "anonymous")
        draw = torch.rand(n, 5, dtype=torch.float64, generator=rng)
        asked, pool = torch.tensor(list(prompts)), torch.tensor(list(answers))
        prompt = asked[(draw[:, 0] * len(asked)).long()]
        first = (draw[:, 1] * len(pool)).long()
        second = (first + 1 + (draw[:, 2] * (len(pool) - 1)).long()) % len(pool)
        pairs = torch.stack([pool[first], pool[second]], -1)
        group = (self.attracted()[prompt].cumsum(-1) < draw[:, 3:4]).sum(-1).clamp(max=self.groups - 1)
        utility = self.tastes() @ self.features().T
        wins = draw[:, 4] < torch.sigmoid(utility[group, pairs[:, 0]] - utility[group, pairs[:, 1]])
        return torch.cat([prompt.unsqueeze(-1), torch.where(wins.unsqueeze(-1), pairs, pairs.flip(-1))], -1)
