"""Rated answers: every prompt has answers of its own, several qualities make an answer good, and the prompt says how much each of them
counts.

    quality_k(c, a) = g_k . x_a,   reward(c, a) = strength * sum_k weight_k(c) quality_k(c, a),   weight(c) = softmax_k(sharpness * r_k . z_c)

x_a [width] and z_c [prompt_width] from N(0, 1), g_k of length 1 with g_k . g_l = ``agreement``, r_k orthogonal. What is seen of an answer
is its vector beside that of its prompt, of a prompt its own beside nothing. The last of the qualities is ``verbosity``, which no prompt
asks for. Items are counted: first the prompts, then the answers of each prompt in turn. The reference policy draws the answers of a prompt
alike.

Source: ours; weights of qualities that depend on the prompt, ArmoRM, Wang et al. 2024, arXiv 2406.12845.
Differs from PromptedGroups: an answer belongs to its prompt, and one reward is the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.sequences import Sequences
from guerdon.worlds.users.mixed_tastes import directions


@dataclass(frozen=True)
class RatedAnswers:
    prompts: int = 60
    answers: int = 8
    qualities: int = 3  # that count
    width: int = 12
    prompt_width: int = 4
    agreement: float = 0.0
    sharpness: float = 2.0
    strength: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.prompts < 1 or self.answers < 2 or not 1 <= self.qualities < self.width or self.qualities > self.prompt_width:
            raise InputError(
                f"{self!r}: there are one prompt and two answers or more, qualities from 1 to below width, and no more than prompt_width"
            )

    @property
    def items(self) -> int:
        return self.prompts * (1 + self.answers)

    def item(self, prompt: Tensor, answer: Tensor) -> Tensor:
        """The index of a prompt's answer among the items."""
        return self.prompts + prompt * self.answers + answer

    def features(self) -> Tensor:
        """[I, prompt_width + width]"""
        asked, said = self._asked(), self.vectors().flatten(0, 1)
        alone = torch.cat([asked, asked.new_zeros(self.prompts, self.width)], -1)
        return torch.cat([alone, torch.cat([asked.repeat_interleave(self.answers, 0), said], -1)])

    def _asked(self) -> Tensor:
        return torch.randn(self.prompts, self.prompt_width, dtype=torch.float64, generator=generator(self.seed, "prompts"))

    def vectors(self) -> Tensor:
        """[C, A, width], of each answer."""
        return torch.randn(self.prompts, self.answers, self.width, dtype=torch.float64, generator=generator(self.seed, "answers"))

    def each_quality(self) -> Tensor:
        """[C, A, K + 1], the qualities of each answer; the last is verbosity."""
        ways = directions(self.qualities + 1, self.width, self.agreement, generator(self.seed, "qualities"))
        return self.vectors() @ ways.T

    def weights(self) -> Tensor:
        """[C, K], how much each quality counts."""
        roads = directions(self.qualities, self.prompt_width, 0.0, generator(self.seed, "roads"))
        return (self.sharpness * self._asked() @ roads.T).softmax(-1)

    def rewards(self) -> Tensor:
        """[C, A], in log-odds of being preferred."""
        return self.strength * (self.weights().unsqueeze(1) * self.each_quality()[..., :-1]).sum(-1)

    def reference(self) -> Tensor:
        """[C, A], the policy whose answers these are."""
        return torch.full((self.prompts, self.answers), 1 / self.answers, dtype=torch.float64)

    def comparisons(self, n: int, seed: int, prompts: Sequence[int], answers: Sequence[int], reward: Tensor | None = None) -> Tensor:
        """[n, 3]: prompt, preferred answer, other answer, by Bradley-Terry on ``reward`` [C, A] (None: the true one). The first of more are the same."""
        reward = self.rewards() if reward is None else reward
        draw = torch.rand(n, 4, dtype=torch.float64, generator=generator(seed, "rated answers compared"))
        asked, pool = torch.tensor(list(prompts)), torch.tensor(list(answers))
        prompt, first = asked[(draw[:, 0] * len(asked)).long()], (draw[:, 1] * len(pool)).long()
        second = (first + 1 + (draw[:, 2] * (len(pool) - 1)).long()) % len(pool)
        pairs = torch.stack([pool[first], pool[second]], -1)
        wins = draw[:, 3] < torch.sigmoid(reward[prompt, pairs[:, 0]] - reward[prompt, pairs[:, 1]])
        return torch.cat([prompt.unsqueeze(-1), torch.where(wins.unsqueeze(-1), pairs, pairs.flip(-1))], -1)

    def table(self, prompts: Sequence[int], answers: Sequence[int]) -> Tensor:
        """[C, A], the items that are these answers to these prompts."""
        return self.item(torch.tensor(list(prompts)).unsqueeze(-1), torch.tensor(list(answers)))

    def everything(self, prompts: Sequence[int], answers: Sequence[int]) -> Sequences:
        """Every one of the answers to every one of the prompts, one after the other."""
        items = self.table(prompts, answers).view(-1, 1)
        context = torch.arange(len(prompts)).repeat_interleave(len(answers))
        length = torch.ones(len(items), dtype=torch.long)
        return Sequences([torch.tensor([p]) for p in prompts], context, items, torch.ones_like(items, dtype=torch.bool), length)
