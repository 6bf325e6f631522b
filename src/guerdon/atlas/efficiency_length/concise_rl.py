"""Concise RL: PPO on problems that are solved now and then makes answers shorter, on problems that never are longer, by its lambda below 1 and nothing else.

World: problems that need one to three thoughts of eight steps before an answer is more than a guess, and four that are never solved (``worlds.finite.pondering``); a policy
of tables that begins with idle steps among its thoughts and shares what it learns between problems of a kind, the hopeless ones among them. Right earns 1,
wrong -0.5, as in the paper; there is no reward of length.

First phase, once for all arms of a seed: 12 rounds of PPO with a critic on the 16 problems that can be solved, after which answers still hold idle steps
(after 30 there was nothing left to save). Second phase, from its policy and its critic: 30 rounds with lambda 0.95 on those ("solvable"), the same with
lambda 1 ("lambda 1"), and with lambda 0.95 on the four hopeless ones alone ("unsolvable"), always 128 answers to a round. Everything is measured on the 16
problems, by sums over all answers.

Tuned: the second phase's learning rate, by accuracy less 0.05 for a step of length; the unsolvable arm, which can only lose, has that of the solvable one.
0.2 steps of length are the smallest difference of interest, and 0.02 of accuracy is what may be lost.

Source: arXiv 2504.05185, by its abstract and a summary: the loss of PPO over tokens with lambda < 1 favours short answers where the return is positive and
long ones where it is negative. Chosen here: world, sizes, the critic's learning rate.
"""

import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.efficiency_length._pondering import START
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.finite.prefix_value import PrefixValue
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.worlds.finite.pondering import Pondering

system = System(
    title="Concise Reasoning via Reinforcement Learning",
    link="https://arxiv.org/abs/2504.05185",
    kind="method",
    builds_on=("ppo", "gae"),
    read="abstract",
    note=(
        "Answers become shorter, by a tenth, and longer on problems that are never solved, as the paper says. But lambda 1 "
        "shortens as much: the cause, here, is further training and not the discount."
    ),
)


@dataclass(frozen=True)
class Signed(Pondering):
    """Right earns 1, wrong -0.5."""

    def reward_of(self, sequences: Sequences, seed: int | None = None) -> Tensor:
        return 1.5 * super().reward_of(sequences, seed) - 0.5


WORLD = Signed(contexts=20, kinds=2, depth=8, hopeless=4)
SOLVABLE, FIRST, ROUNDS = 16, 12, 30


def ppo(lam: float, each: int, learning_rate: float = 0.1) -> Recipe:
    critic = Learning((Term(ClippedRegression(0.2)),), optimiser=AdamW(0.1))
    gae = GAE(gamma=1.0, lam=lam)
    return Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(each),
        advantage=BatchNormalised(gae),
        target=LambdaReturn(gae),
        epochs=2,
        learners={"critic": critic},
    )


recipe = {"solvable": ppo(0.95, 8), "lambda 1": ppo(1.0, 8), "unsolvable": ppo(0.95, 32)}
claim = AllOf(
    BetterThan("solvable", "start", on="length", lower_is_better=True, effect=0.2),
    NoWorseThan("solvable", "start", on="accuracy", margin=0.02),
    BetterThan("solvable", "lambda 1", on="length", lower_is_better=True, effect=0.2, matched="samples, updates"),
    BetterThan("unsolvable", "start", on="length", effect=0.2),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.1, 0.3)} for arm in ("lambda 1", "solvable")}
TUNED_BY = "worth"


@lru_cache(maxsize=2)
def first_phase(seed: int, rounds: int) -> tuple[Any, Any]:
    """Policy and critic after it."""
    policy = SharedShift(WORLD.contexts, WORLD.kinds, 3, WORLD.depth, end=2, own=0.3, seed=seed).build()
    with torch.no_grad():
        policy.module["shared"].add_(torch.tensor(START, dtype=torch.float64).log())
    critic = PrefixValue(WORLD.contexts, 3, WORLD.depth).build()
    return practised(policy, critic, ppo(0.95, 8), range(SOLVABLE), seed, rounds), critic


def practised(policy: Any, critic: Any, method: Recipe, problems: range, seed: int, rounds: int) -> Any:
    rows = [WORLD.train()[i] for i in problems]
    budget = Budget(rounds, batch_size=len(rows), seed=seed)
    improve(policy, FiniteScene(WORLD), rows, method, budget, Decoding(WORLD.depth), learners={"critic": critic})
    return policy


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    rounds = 1 if scale == "smoke" else ROUNDS
    policy, critic = copy.deepcopy(first_phase(seed, min(rounds, FIRST)))
    problems = range(SOLVABLE, WORLD.contexts) if arm == "unsolvable" else range(SOLVABLE)
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    return measured(practised(policy, critic, method, problems, seed + 1, rounds))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    start = measured(first_phase(seed, 1 if scale == "smoke" else FIRST)[0])
    return arms | {"unsolvable": trial("unsolvable", seed, scale, **tuned["solvable"]), "start": start}


@torch.no_grad()
def measured(policy: Any) -> dict[str, float]:
    accuracy = float(policy.expect(WORLD.rewards())[:SOLVABLE].mean())
    length = float(policy.expect(WORLD.tree.length.double().expand(WORLD.contexts, -1))[:SOLVABLE].mean())
    return {"accuracy": accuracy, "length": length, "worth": accuracy - 0.05 * length}
