"""What the experiments with judges of itemised answers share: who is fitted to what, and what the policies are worth that follow them.

A judge reads ``x`` of an answer, beside something that says what is asked for, and their products, so that what is linear in it can be as right as anything linear. All heads
are linear, and at their minima (``_linear``). A score is a table [C, A].
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas._text import bought
from guerdon.atlas.generative_rewards._linear import at_the_best, least_squares, logistic
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.itemised_answers import ItemisedAnswers

LABELLED, TUNING, HELD_OUT = range(70), range(70, 90), range(90, 120)
STRENGTHS = (0.0, 0.4, 0.8, 1.2, 1.8, 3.0)
CHOSEN = "ridges are chosen inside each seed, alike for every arm, on prompts that nothing else sees, from values that go on until the best lies inside"


@dataclass(frozen=True)
class Items:
    """A world, and what is fitted in it."""

    world: ItemisedAnswers
    seed: int
    small: bool

    @cached_property
    def vectors(self) -> Tensor:
        return self.world.vectors()

    @cached_property
    def met(self) -> Tensor:
        return self.world.met()

    @cached_property
    def weights(self) -> Tensor:
        return self.world.weights()

    @cached_property
    def gold(self) -> Tensor:
        return self.world.gold()

    @cached_property
    def one(self) -> Tensor:
        """[C, A, width + 1], each answer's vector and a 1."""
        return torch.cat([self.vectors, torch.ones_like(self.vectors[..., :1])], -1)

    def beside(self, *told: Tensor) -> Tensor:
        """[C, A, D], each answer's vector, what is told of it ([C, n] of the prompt, [C, A, n] of the answer), and their products."""
        seen = torch.cat(
            [each.double().unsqueeze(1).expand(-1, self.world.answers, -1) if each.dim() == 2 else each.double() for each in told], -1
        )
        return torch.cat([self.vectors, seen, (self.vectors.unsqueeze(-1) * seen.unsqueeze(-2)).flatten(2)], -1)

    def drawn(self, n: int, purpose: str, prompts: range = LABELLED) -> tuple[Tensor, Tensor]:
        """n answers: [n] prompts and [n] answers. The first of more are the same."""
        draw = torch.rand(n, 2, dtype=torch.float64, generator=generator(self.seed, purpose))
        return prompts.start + (draw[:, 0] * len(prompts)).long(), (draw[:, 1] * self.world.answers).long()

    def paired(self, n: int, purpose: str, prompts: range = LABELLED) -> tuple[Tensor, Tensor, Tensor]:
        """n pairs of different answers: prompts, first and second answers, [n] each."""
        prompt, first = self.drawn(n, purpose, prompts)
        draw = torch.rand(n, dtype=torch.float64, generator=generator(self.seed, purpose, "other"))
        return prompt, first, (first + 1 + (draw * (self.world.answers - 1)).long()) % self.world.answers

    def compared(self, n: int, purpose: str, sharpness: float = 8.0, prompts: range = LABELLED) -> tuple[Tensor, Tensor, Tensor]:
        """The same, the preferred answer first, by Bradley-Terry on ``sharpness`` times what answers are worth."""
        prompt, first, second = self.paired(n, purpose, prompts)
        draw = torch.rand(n, dtype=torch.float64, generator=generator(self.seed, purpose, "preferred"))
        wins = draw < torch.sigmoid(sharpness * (self.gold[prompt, first] - self.gold[prompt, second]))
        return prompt, torch.where(wins, first, second), torch.where(wins, second, first)

    def preferring(
        self,
        features: Tensor,
        compared: tuple[Tensor, Tensor, Tensor],
        weight: Tensor | None = None,
        score: Callable[[Tensor], float] | None = None,
    ) -> Tensor:
        """[C, A], the scores of a Bradley-Terry head that has seen comparisons; its ridge is chosen by ``score`` of its scores, or by the true order of answers to ``TUNING``."""
        prompt, better, worse = compared
        x, label = features[prompt, better] - features[prompt, worse], torch.ones(len(prompt), dtype=torch.float64)
        judged = score or (lambda table: self.right(table, TUNING))
        return features @ at_the_best(lambda ridge: logistic(x, label, ridge, weight), lambda w: judged(features @ w))

    def rated(self, features: Tensor, at: tuple[Tensor, Tensor], rating: Tensor) -> Tensor:
        """[C, A], the scores of a head that has seen ratings [n]; least squares."""
        centred = rating - rating.mean()
        return features @ at_the_best(lambda ridge: least_squares(features[at], centred, ridge), lambda w: self.right(features @ w, TUNING))

    def checked(self, at: tuple[Tensor, Tensor], said: Tensor, asked_only: bool = True) -> Tensor:
        """[C, A, K], how likely each criterion holds, by heads that have seen verdicts [n, K] on answers: those on what is asked for, or all."""
        found = []
        for k in range(self.world.criteria):
            seen = self.weights[at[0], k] > 0 if asked_only else torch.ones_like(at[0], dtype=torch.bool)
            x, label = self.one[at][seen], said[seen, k].double()

            def right(w: Tensor, k: int = k) -> float:
                p = torch.sigmoid(self.one[TUNING] @ w)
                return float(torch.where(self.met[TUNING][..., k], p, 1 - p).clamp(min=1e-6).log().mean())

            found.append(torch.sigmoid(self.one @ at_the_best(lambda ridge, x=x, label=label: logistic(x, label, ridge), right)))
        return torch.stack(found, -1)

    def listed(self, checked: Tensor) -> Tensor:
        """[..., C, A], the weighted mean of verdicts [..., C, A, K] on what is asked for."""
        return self.world.worth(checked)

    def right(self, score: Tensor, prompts: range = HELD_OUT, gold: Tensor | None = None) -> float:
        """The share of pairs of answers of unequal worth to a prompt that a score orders right; a tie is half right."""
        score, gold = score[prompts], (self.gold if gold is None else gold)[prompts]
        truth = (gold.unsqueeze(-1) - gold.unsqueeze(-2)).sign()
        said = (score.unsqueeze(-1) - score.unsqueeze(-2)).sign()
        return float(0.5 + (truth * said).sum() / truth.abs().sum() / 2)

    def bought(self, score: Tensor, prompts: range = HELD_OUT) -> dict[str, dict[float, float]]:
        """What policies proportional to exp(strength * score) are worth, the score in its deviations, and what they pay: the optima of expected score at some KL from the uniform
        policy. ``gold`` is above the uniform policy's, ``all`` the probability that everything is met."""
        score, gold = score[prompts], self.gold[prompts]
        score = score - score.mean(-1, keepdim=True)
        score = score / score.square().mean().sqrt().clamp(min=1e-12)
        curves: dict[str, dict[float, float]] = {"KL": {}, "gold": {}, "all": {}}
        for strength in STRENGTHS:
            policy = (strength * score).softmax(-1)
            curves["KL"][strength] = float((policy * (policy.clamp(min=1e-300) * self.world.answers).log()).sum(-1).mean())
            curves["gold"][strength] = float((policy * gold).sum(-1).mean() - gold.mean())
            curves["all"][strength] = float((policy * (gold > 1 - 1e-9)).sum(-1).mean())
        return curves

    def at(self, score: Tensor, price: float = 1.0, on: str = "gold", prompts: range = HELD_OUT) -> float:
        """What such a policy is worth at this KL."""
        curves = self.bought(score, prompts)
        return bought(curves[on], curves["KL"], price)


def items(seed: int, scale: str, **settings: Any) -> Items:
    return Items(ItemisedAnswers(seed=derive(seed, "world"), **settings), seed, scale == "smoke")
