"""Clip and Delta: rewards of a process model in RL are farmed by steps that lead nowhere, until they only punish and telescope.

World: 12 problems with solutions in up to six steps (``worlds.finite.solutions``, modulo 3, two operations), which leaves room for three steps that say nothing. A head with a
hidden layer of 16 learns from exact verdicts on 16 solutions to each of six problems which steps are right; the policy practises on the other six, 25 steps of 8 answers to each.
A seed is another world, policy, features and draws.

Arms: PPO's clip on the whitened return to go of the success reward alone ("success"), and of that with the head's probabilities as rewards of steps: as they are ("PRM"), less a
threshold and no more than 0 ("clip": the batch's mean), less what is said of the next step ("delta"), and both ("clip, delta"). Learning rates are tuned by success with the
weight 0.3 of the steps; x is that weight. All measures are exact, of the policy at the end.

* "success": on the six problems; "steps" of a solution, and how many of them are "idle".

Source: Gao et al. 2024, arXiv 2410.15115: the abstract, reviews and summaries. There models of 1.5 and 7 B learn mathematics with PPO. Chosen here: the world, weights,
a whitened return in place of the critic. The smallest differences of interest: 0.02 of success, 0.25 of a step.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.process_rewards._practising import TableScorer, practised
from guerdon.atlas.process_rewards._steps import drawn, taught
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.feedback.dense.step_scores import StepScores
from guerdon.feedback.step_shaping import StepShaping
from guerdon.feedback.step_shaping.only_penalties import OnlyPenalties
from guerdon.feedback.step_shaping.to_next import ToNext
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import derive
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Dense, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="On Designing Effective RL Reward at Training Time for LLM Reasoning",
    link="https://arxiv.org/abs/2410.15115",
    kind="reward",
    builds_on=("step-scores", "only-penalties", "to-next", "return-to-go", "clip"),
    read="abstract",
    note=(
        "The rewards of the head as they are fill an answer with 2.7 steps that say nothing and cost 0.09 of success; clipped, as differences, or both, they do "
        "neither. Nor do they help: the outcome alone is at its ceiling here, so that what a bounded reward could add is not seen."
    ),
)
SHAPINGS: dict[str, tuple[StepShaping, ...]] = {
    "PRM": (),
    "clip": (OnlyPenalties(),),
    "delta": (ToNext(),),
    "clip, delta": (OnlyPenalties(), ToNext()),
}
recipe = SHAPINGS
ARMS = ("success", *SHAPINGS)
GRID = {arm: {"learning_rate": (0.1, 0.3, 0.9)} for arm in ARMS}
TUNED_BY = "tuned by"
SEEDS = {"smoke": 1, "full": 8, "tune": 2}
WEIGHTS = (0.1, 0.3, 1.0)
claim = AllOf(
    BetterThan("success", "PRM", on="success", at="last", effect=0.02, matched="samples, updates"),
    BetterThan("PRM", "success", on="idle", at="last", effect=0.25, matched="samples, updates"),
    BetterThan("clip, delta", "PRM", on="idle", at="last", lower_is_better=True, effect=0.25, matched="samples, updates"),
    NoWorseThan("clip, delta", "success", on="success", at="every", margin=0.02, matched="samples, updates"),
    BetterThan("clip, delta", "PRM", on="success", at="last", effect=0.02, matched="samples, updates"),
)


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Solutions, Tensor]:
    """The world, and how likely each step is right, as the head says."""
    world = Solutions(contexts=12, values=3, least=2, most=2, depth=6, seed=derive(seed, "world"))
    some = drawn(world, world.start(seed=derive(seed, "policy")), range(6), 4 if scale == "smoke" else 16, derive(seed, "labelled"))
    labels = some.of(world.right().double())
    steps = 20 if scale == "smoke" else 200
    scores = taught(
        world.features(seed=derive(seed, "features")), some, labels, StepCrossEntropy(), 0.03, steps, hidden=16, seed=derive(seed, "head")
    )
    return world, torch.sigmoid(scores)


def method(arm: str, learning_rate: float, weight: float, scorer: TableScorer) -> Recipe:
    dense = {"process": Dense(StepScores(scorer), SHAPINGS[arm], weight)} if arm in SHAPINGS else {}
    return Recipe((Term(Clip(0.2)),), AdamW(learning_rate), Group(8), dense=dense, advantage=BatchNormalised(ReturnToGo()))


def trial(arm: str, seed: int, scale: str, learning_rate: float, weights: tuple[float, ...] = (0.3,)) -> dict:
    world, table = data(seed, scale)
    last = 2 if scale == "smoke" else 25
    curves: dict[str, dict[float, float]] = {"success": {}, "steps": {}, "idle": {}}
    for weight in weights:
        if arm in SHAPINGS or not curves["success"]:
            policy = world.start(seed=derive(seed, "policy"))
            found = practised(method(arm, learning_rate, weight, TableScorer(world, table)), world, policy, range(6, 12), seed, (last,))
        for name, curve in curves.items():
            curve[weight] = found[name][last]
    return curves if len(weights) > 1 else {"tuned by": curves["success"][weights[0]]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    return {arm: trial(arm, seed, scale, **setting, weights=WEIGHTS) for arm, setting in tuned.items()}
