"""TRPA: an order of levels, without the size of any reward, teaches what a reward does.

World: eight problems with 64 answers each, of which one is right (level 2), 15 are well formed (level 1) and the rest neither (0), dealt
out at random; the start has logits from N(0, 1), so that a right answer has a chance of about 1 in 64. A seed is another world.

"TRPA", "GRPO" (the level as the reward, without a KL) and "online DPO" (the best and the worst of a group, whole log-ratios to the start)
each draw 16 answers to every problem at each of 60 steps, two gradient steps on each batch (Adam, a constant rate). Rewards are the truth, so
what is spent is samples and updates, of which all have as many. Tuned by the accuracy at the end: the learning rate of each, the beta of
both comparisons, the range of GRPO's clip.

Measured, by enumeration: "accuracy", the probability of a right answer at the end; "largest drop" of the expected level from one of the
points after 0, 10, 20 ... steps to the next: 0 if it never falls.

"GRPO-level": no more than 0.05 below. Better than online DPO, by 0.05. "Monotone": a drop of at most 0.01 on average.

Source: Su et al. 2025, arXiv 2504.04524, and its authors' code; see ``recipes.trpa``, also for what it leaves out. Their claims are about logic
puzzles and language models of 7 B parameters; the world, the sizes and the grid are ours.
"""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, Knob, NoWorseThan, System
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.tabular import Tabular
from guerdon.randomness import derive, generator
from guerdon.recipes.grpo import recipe as grpo
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.recipes.trpa import recipe as trpa
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="Trust Region Preference Approximation: A simple and stable reinforcement learning algorithm for LLM reasoning",
    link="https://arxiv.org/abs/2504.04524",
    kind="method",
    builds_on=("online-dpo", "verifier", "kl-penalty", "trust-region"),
    read="code",
    note=("Ahead of GRPO, as its paper says, but so is online DPO, which has no more than TRPA has, and by more."),
)
PROBLEMS, ANSWERS, FORMED = 8, 64, 15
recipe: dict[str, Recipe] = {
    "TRPA": replace(trpa, epochs=2),
    "GRPO": replace(grpo, terms=(Term(Clip(0.2)),), sampler=Group(16), epochs=2),
    "online DPO": replace(online_dpo, sampler=Group(16), pairing=BestWorst(), epochs=2),
}
_RATES, _BETAS = (0.03, 0.1, 0.3), Knob((0.03, 0.1, 0.3), least=0.01)  # below, beta only scales the gradient, which Adam undoes
GRID = {
    "GRPO": {"learning_rate": _RATES, "clip": (0.1, 0.2, 0.4)},
    "online DPO": {"learning_rate": _RATES, "beta": _BETAS},
    "TRPA": {"learning_rate": _RATES, "beta": _BETAS},
}
TUNED_BY = "accuracy"
claim = AllOf(
    NoWorseThan("TRPA", "GRPO", on="accuracy", margin=0.05, matched="samples, updates"),
    BetterThan("TRPA", "online DPO", on="accuracy", effect=0.05, matched="samples, updates"),
    NoWorseThan("TRPA", 0.0, on="largest drop", margin=0.01, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 40, "tune": 2}


def method(arm: str, learning_rate: float, beta: float = 0.1, clip: float = 0.2) -> Recipe:
    """The arm's recipe at a setting."""
    first, *others = recipe[arm].terms
    loss = Clip(clip) if arm == "GRPO" else replace(first.loss, score=replace(first.loss.score, beta=beta))
    return replace(recipe[arm], terms=(replace(first, loss=loss), *others), optimiser=AdamW(learning_rate))


@lru_cache(maxsize=4)
def problems(seed: int) -> ContextualBandit:
    order = torch.stack([torch.randperm(ANSWERS, generator=generator(seed, "levels", x)) for x in range(PROBLEMS)])
    levels = torch.where(order == 0, 2.0, torch.where(order <= FORMED, 1.0, 0.0)).double()
    return ContextualBandit(contexts=PROBLEMS, actions=ANSWERS, means=tuple(map(tuple, levels.tolist())))


def trial(arm: str, seed: int, scale: str, learning_rate: float, **knobs: float) -> dict[str, float]:
    world, acts = problems(seed), method(arm, learning_rate, **knobs)
    policy = Tabular(PROBLEMS, ANSWERS, deviation=1.0, seed=derive(seed, "start")).build()
    budget = Budget(steps=10 if scale == "smoke" else 60, batch_size=PROBLEMS, evaluate_every=10, seed=seed)
    history = improve(policy, FiniteScene(world), world.train(), acts, budget, Decoding(1), held_out=world.test()).history
    level = [step["eval/expected_reward"] for step in history if "eval/expected_reward" in step]
    right = (world.rewards() == 2).double()
    drops = [max(a - b, 0.0) for a, b in pairwise(level)]
    return {"accuracy": float(policy.expect(right).detach().mean()), "expected level": level[-1], "largest drop": max(drops)}
