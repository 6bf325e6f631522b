"""What experiments of policies that are their own judges share: answers whose true worth is known, and a policy that carries over between prompts of a kind.

Twelve prompts of four kinds; an answer is three steps of three actions each, and what a step earns depends on the kind (``worlds.finite.additive_tokens``), so
that the worth of an answer has a standard deviation of 1. The policy is a shared shift (``models.finite.shared_shift``): each prompt has preferences of
its own, and what is learned is shared by the prompts of a kind, so that a policy that was taught by a few demonstrations has an opinion, partly right, of
answers that were not shown.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.labels import Label
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, Side
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.additive_tokens import AdditiveTokens
from guerdon.worlds.finite.random_tree import RandomTree

PROMPTS, KINDS, VOCABULARY, DEPTH = 12, 4, 3, 3
KIND = torch.arange(PROMPTS) % KINDS
TREE = AdditiveTokens(KINDS, VOCABULARY, DEPTH).tree
SFT = Recipe((Term(NegativeLogLikelihood()),), AdamW(0.05))


def gold(seed: int) -> Tensor:
    """[C, S], the true worth of every answer."""
    world = AdditiveTokens(KINDS, VOCABULARY, DEPTH, shared=False, deviation=DEPTH**-0.5, seed=derive(seed, "gold"))
    return world.rewards()[KIND]


def error(seed: int, deviation: float = 1.0) -> Tensor:
    """[C, S], in what a judge is wrong about every answer; it is so for all prompts of a kind, and always."""
    return RandomTree(KINDS, VOCABULARY, DEPTH, deviation=deviation, seed=derive(seed, "error")).rewards()[KIND]


def base(seed: int) -> TablePolicy:
    """A policy that was taught nothing yet."""
    return SharedShift(PROMPTS, KINDS, VOCABULARY, DEPTH, own=0.5, shared=0.3, seed=derive(seed, "base")).build()


def drawn(policy: TablePolicy | Tensor, each: int, seed: int) -> Tensor:
    """[C, each], which answers a policy (or log-weights [C, S]) gives."""
    weights = policy if isinstance(policy, Tensor) else policy.log_probabilities().detach()
    return torch.multinomial(weights.softmax(-1), each, replacement=True, generator=generator(seed, "answers"))


def taught(policy: TablePolicy, shown: Tensor, steps: int = 20) -> TablePolicy:
    """The policy, fitted to the answers shown, [C, n]."""
    examples = [Example({"": _side(prompt, int(answer))}) for prompt in range(PROMPTS) for answer in shown[prompt]]
    fit(policy, examples, SFT, Budget(steps, batch_size=len(examples)))
    return policy


def dpo(learning_rate: float, beta: float, label: Label | None = None) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic(), label=label)),), AdamW(learning_rate))


def compared(
    policy: TablePolicy, chosen: Tensor, rejected: Tensor, recipe: Recipe, steps: int, preference: Sequence[float] | None = None
) -> TablePolicy:
    """The policy after so many steps on one pair for each prompt, [C] and [C], the reference being what it was; pairs of the same answer are left out."""
    examples = [
        Example(
            {"chosen": _side(prompt, int(chosen[prompt])), "rejected": _side(prompt, int(rejected[prompt]))},
            {} if preference is None else {"preference": float(preference[prompt])},
        )
        for prompt in range(PROMPTS)
        if chosen[prompt] != rejected[prompt]
    ]
    if examples:
        fit(policy, examples, recipe, Budget(steps, batch_size=len(examples)))
    return policy


def best_and_worst(answers: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
    """[C] and [C], of the answers [C, n] those with the highest and the lowest score, [C, S]."""
    of = score.gather(1, answers)
    return tuple(answers.gather(1, place(dim=1, keepdim=True)).squeeze(1) for place in (of.argmax, of.argmin))


@torch.no_grad()
def seen(policy: TablePolicy, start: TablePolicy, worth: Tensor) -> dict[str, float]:
    """``gold``, the expected worth, and ``KL`` from the start in nats; exact."""
    return {"gold": float(policy.expect(worth).mean()), "KL": float(policy.kl(start).mean())}


def _side(prompt: int, answer: int) -> Side:
    return Side((prompt,), tuple(TREE.actions[answer].tolist()), (True,) * DEPTH)
