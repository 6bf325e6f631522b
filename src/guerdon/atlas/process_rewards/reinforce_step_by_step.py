"""Let's Reinforce Step by Step: what is made of the scores of steps decides what RL with them does, and against a model of outcomes they help on easy problems.

Worlds: solutions with steps in up to five steps (``worlds.finite.solutions``, modulo 3): "easy" of one or two operations, "hard" of three or four with half as many slips again. In
each, heads with a hidden layer of 16 learn from 16 solutions to six problems: one whether each step is right, one whether the answer comes out right, at every step. The policy
then practises on six other problems, 20 steps of 8 answers to each, and is rewarded by a head alone. A seed is another world, policy, features and draws.

Arms: "ORM" (the head of outcomes at the last step), the head of steps made to one reward by its "product", "minimum", "mean", "maximum" or "sum", and "step by step", where each
step is given its own score. PPO's clip on the whitened return; learning rates are tuned by the mean of both accuracies.

* "easy", "hard": accuracy at the end, exact. "spread": the best aggregation's accuracy less the worst's, the mean over both worlds.

Source: Pan et al. 2023, arXiv 2311.05821: the abstract and summaries; there PPO on GSM8K and MATH with a model of 7 B, rewards from heads trained on PRM800K. Chosen here: worlds,
sizes, a whitened return in place of a critic. The smallest differences of interest: 0.02 of accuracy, 0.05 of spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._practising import TableScorer, practised
from guerdon.atlas.process_rewards._steps import drawn, taught
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.feedback.aggregating import Aggregating
from guerdon.feedback.aggregating.last_step import LastStep
from guerdon.feedback.aggregating.maximum import Maximum
from guerdon.feedback.aggregating.mean import Mean
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.feedback.aggregating.product import Product
from guerdon.feedback.aggregating.total import Total
from guerdon.feedback.combining.only import Only
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.dense.step_scores import StepScores
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import derive
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Dense, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Let's Reinforce Step by Step",
    link="https://arxiv.org/abs/2311.05821",
    kind="study",
    builds_on=("step-scorer", "step-scores", "product", "minimum", "mean", "maximum", "total", "clip"),
    read="abstract",
    note=(
        "What is made of the scores matters, by 0.19: product, minimum and mean come to the same, a sum falls behind, and the maximum and a score for each step "
        "by itself much more. Whether steps or outcomes are the better reward six worlds do not decide, on easy problems or hard ones."
    ),
)
AGGREGATIONS: dict[str, Aggregating] = {
    "product": Product(),
    "minimum": Minimum(),
    "mean": Mean(),
    "maximum": Maximum(),
    "sum": Total(),
}
recipe = AGGREGATIONS
ARMS = ("ORM", *AGGREGATIONS, "step by step")
KINDS = {"easy": {"least": 1, "most": 2}, "hard": {"least": 3, "most": 4}}
GRID = {arm: {"learning_rate": (0.1, 0.3, 0.9)} for arm in ARMS}
TUNED_BY = "both"
SEEDS = {"smoke": 1, "full": 6, "tune": 2}
claim = AllOf(
    BetterThan("aggregations", 0.05, on="spread", effect=0.05, matched="samples, updates"),
    BetterThan("product", "ORM", on="easy", effect=0.02, matched="samples, updates"),
    BetterThan("ORM", "product", on="hard", effect=0.02, matched="samples, updates"),
)


@dataclass(frozen=True, eq=False)
class Aggregated:
    """What is made of a table's scores of the steps of an answer."""

    scorer: TableScorer
    aggregate: Aggregating

    def __call__(self, prompts: Sequence[int], completions: Sequence[Sequence[int]], **columns: Any) -> list[float]:
        steps = [[[action] for action in own] for own in completions]
        return [self.aggregate(said) for said in self.scorer.step_scores(prompts, steps, "")]


@lru_cache(maxsize=4)
def data(kind: str, seed: int, scale: str) -> tuple[Solutions, Tensor, Tensor]:
    """The world, and what the heads of steps and of outcomes say of every step, as probabilities."""
    world = Solutions(contexts=12, values=3, depth=5, seed=derive(seed, "world", kind), **KINDS[kind])
    some = drawn(world, started(world, kind, seed), range(6), 4 if scale == "smoke" else 16, derive(seed, "labelled", kind))
    labels = (some.of(world.right().double()), some.outcome.unsqueeze(-1).expand(some.mask.shape))
    features, steps = world.features(seed=derive(seed, "features", kind)), 20 if scale == "smoke" else 200
    heads = [taught(features, some, own, StepCrossEntropy(), 0.03, steps, hidden=16, seed=derive(seed, "head")) for own in labels]
    return world, torch.sigmoid(heads[0]), torch.sigmoid(heads[1])


def started(world: Solutions, kind: str, seed: int) -> Any:
    return world.start(slip=0.2 if kind == "easy" else 0.3, seed=derive(seed, "policy", kind))


def accuracy(arm: str, kind: str, seed: int, scale: str, learning_rate: float) -> float:
    world, of_steps, of_outcomes = data(kind, seed, scale)
    last = 2 if scale == "smoke" else 20
    process = TableScorer(world, of_steps)
    shown = Aggregated(TableScorer(world, of_outcomes), LastStep()) if arm == "ORM" else Aggregated(process, AGGREGATIONS.get(arm, Total()))
    each = arm == "step by step"
    method = Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(8),
        combine=Weigh({"world": 0.0}) if each else Only(("head",)),
        dense={"process": Dense(StepScores(process))} if each else {},
        advantage=BatchNormalised(ReturnToGo()),
    )
    rewards = {} if each else {"head": shown}
    policy = started(world, kind, seed)
    return practised(method, world, policy, range(6, 12), derive(seed, kind), (last,), rewards)["success"][last]


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    found = {kind: accuracy(arm, kind, seed, scale, learning_rate) for kind in KINDS}
    return {**found, "both": sum(found.values()) / len(found)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    apart = [max(arms[a][kind] for a in AGGREGATIONS) - min(arms[a][kind] for a in AGGREGATIONS) for kind in KINDS]
    return {**arms, "aggregations": {"spread": sum(apart) / len(apart)}}
