"""Process and outcome feedback: answers come out as often right with labels of outcomes as with labels of steps, but right steps want labels of steps.

World: 24 problems with solutions in steps (``worlds.finite.solutions``), of whose right answers a fifth have a wrong step. On 12 of them 16 solutions each are labelled, their
outcome or each of their steps through the first error; heads with a hidden layer of 16 learn from blurred features by cross-entropy. On the other 12 the best of 16 is taken,
exact over a pool of 96. A seed is another world, policy, features and draws.

Arms: "no labels" (any of the 16), "outcome" (a head that is taught whether the answer comes out right, at every step, as there, and asked at the last), "process" (a head that is
taught whether all is right so far, asked for the product), and "outcome, expert iteration": the policy itself conditioned on right outcomes, exactly, of which any one is taken.
Learning rates are tuned by accuracy for both heads.

* "answer error": how often the answer is wrong; "trace error": how often a right answer has a wrong step; "labels": numbers that somebody had to give, a solution.

Source: Uesato et al. 2022, arXiv 2211.14275: the abstract and summaries. There a model of 70 B answers GSM8K and people label its steps. Chosen here: the world and its luck.
The smallest differences of interest: 0.02 of answers, 0.02 of traces.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas.process_rewards._steps import Drawn, best_of, drawn, taught, worths
from guerdon.feedback.aggregating.last_step import LastStep
from guerdon.feedback.aggregating.product import Product
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.randomness import derive
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Solving math word problems with process- and outcome-based feedback",
    link="https://arxiv.org/abs/2211.14275",
    kind="study",
    builds_on=("step-cross-entropy", "product", "last-step", "rejection-sampling", "best-of-n"),
    read="abstract",
    note=(
        "With fewer labels answers are even more often right, by 0.05, and not as often, perhaps because outcomes tell of errors that cancel. Right steps want "
        "labels of steps: of the right answers that are chosen by outcomes 17 in a hundred have a wrong step, by labels of steps 1.5; conditioning the policy "
        "on outcomes leaves 21."
    ),
)
HEADS = {"outcome": LastStep(), "process": Product()}
recipe = HEADS
GRID = {arm: {"learning_rate": (0.01, 0.03, 0.1)} for arm in HEADS}
TUNED_BY = "accuracy"
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
claim = AllOf(
    EqualTo("outcome", "process", on="answer error", tolerance=0.02),
    BetterThan("outcome", "no labels", on="answer error", lower_is_better=True, effect=0.02),
    BetterThan("process", "outcome", on="trace error", lower_is_better=True, effect=0.02, matched="solutions"),
    BetterThan("outcome", "process", on="labels", lower_is_better=True, effect=0.5),
    BetterThan("outcome", "outcome, expert iteration", on="trace error", lower_is_better=True, effect=0.02),
)


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Tensor, Drawn, dict[str, tuple[Tensor, Tensor]], Drawn, Tensor, float]:
    """Features, what is labelled, by each kind of labels these and the steps that have them, the pool with whose steps are wrong, and the trace error of expert iteration."""
    world = Solutions(seed=derive(seed, "world"))
    policy = world.start(seed=derive(seed, "policy"))
    some = drawn(world, policy, range(12), 4 if scale == "smoke" else 16, derive(seed, "labelled"))
    so_far = some.of(world.after().clean)
    before = torch.cat([torch.ones_like(so_far[:, :1]), so_far[:, :-1]], -1)
    told = {
        "outcome": (some.outcome.unsqueeze(-1).expand(some.mask.shape), some.mask),
        "process": (so_far.double(), before & some.mask),
    }
    pool = drawn(world, policy, range(12, 24), 32 if scale == "smoke" else 96, derive(seed, "pool"))
    flawed = (pool.first(~pool.of(world.right())) >= 0).double()
    lucky = float((world.lucky(policy) / policy.expect(world.rewards()).detach())[12:].mean())
    return world.features(seed=derive(seed, "features")), some, told, pool, flawed, lucky


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    features, some, told, pool, flawed, _ = data(seed, scale)
    labels, judged = told[arm]
    steps = 20 if scale == "smoke" else 200
    head = taught(features, some, labels, StepCrossEntropy(), learning_rate, steps, hidden=16, judged=judged, seed=derive(seed, "head"))
    numbers = 1.0 if arm == "outcome" else float(judged.sum(-1).double().mean())
    return rated(pool, flawed, worths(pool, torch.sigmoid(pool.of(head)), HEADS[arm])) | {"labels": numbers}


def rated(pool: Drawn, flawed: Tensor, worth: Tensor) -> dict[str, float]:
    right = best_of(pool, worth, 16)
    return {"accuracy": right, "answer error": 1 - right, "trace error": best_of(pool, worth, 16, pool.outcome * flawed) / right}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    *_, pool, flawed, lucky = data(seed, scale)
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    arms["no labels"] = rated(pool, flawed, torch.zeros(len(pool), dtype=torch.float64))
    return {**arms, "outcome, expert iteration": {"trace error": lucky}}
