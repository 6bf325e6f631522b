"""PQM: a model of steps that learns their order, later right ones over earlier ones and all of them a margin above wrong ones, chooses better among solutions.

World: 24 problems with solutions in steps (``worlds.finite.solutions``). On 12 of them 8 solutions each are labelled by Monte Carlo, right where one of 8 continuations comes
out right; a head with a hidden layer of 16 learns from the blurred features of their steps. A seed is another world, policy, features and draws.

Arms: cross-entropy of each step, and the ranking of steps with the margin 4 and with none; the learning rate is tuned for each, by the accuracy of both ways to choose.

* "minimum", "last": accuracy of the best of 16 on the other 12 problems, a solution judged by its least or its last step, exact over a pool of 96 solutions of each problem.
* "by chance": the accuracy of one solution, the same for all arms; "at best": of 16 of which a right one is known.

Source: Li and Li 2024, arXiv 2410.11287: eq. 9 and the authors' code (Process_Q_Model), to which the loss is held in tests; best-of-N with labels of Math-Shepherd. Chosen here:
the world, the head, 8 solutions and continuations. There models of 7 B read mathematics. The smallest difference of interest: 0.01 of accuracy.
"""

from functools import lru_cache

import torch

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.process_rewards._steps import Drawn, best_of, drawn, rolled, taught, worths
from guerdon.feedback.aggregating.last_step import LastStep
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.losses.steps.step_ranking import StepRanking
from guerdon.randomness import derive
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Process Reward Model with Q-Value Rankings",
    link="https://arxiv.org/abs/2410.11287",
    kind="reward",
    builds_on=("step-cross-entropy", "step-ranking", "any-success", "best-of-n"),
    read="code",
    note=(
        "The ranking is 0.01 to 0.02 ahead of cross-entropy, which twelve worlds do not decide; it is best without a margin, by 0.03. Labels by Monte Carlo "
        "call a step right where luck can still save it, which may be why it does not pay to insist on them."
    ),
)
LOSSES = {"cross-entropy": StepCrossEntropy(), "PQM": StepRanking(), "PQM, no margin": StepRanking(margin=0.0)}
recipe = LOSSES
GRID = {arm: {"learning_rate": (0.01, 0.03, 0.1)} for arm in LOSSES}
TUNED_BY = "both"
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
claim = AllOf(
    BetterThan("PQM", "cross-entropy", on="minimum", effect=0.01, matched="labels, updates"),
    BetterThan("PQM", "cross-entropy", on="last", effect=0.01, matched="labels, updates"),
    BetterThan("PQM", "PQM, no margin", on="both", effect=0.01, matched="labels, updates"),
    NoWorseThan("PQM", "cross-entropy", on="both", margin=0.01, matched="labels, updates"),
)


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[torch.Tensor, Drawn, torch.Tensor, Drawn]:
    """Features, what is learned from and its labels, and the pool to choose from."""
    world = Solutions(seed=derive(seed, "world"))
    policy = world.start(seed=derive(seed, "policy"))
    some = drawn(world, policy, range(12), 8, derive(seed, "labelled"))
    labels = (rolled(some.of(world.values_under(policy)[1]), 8, derive(seed, "labels")) > 0).double()
    pool = drawn(world, policy, range(12, 24), 32 if scale == "smoke" else 96, derive(seed, "pool"))
    return world.features(seed=derive(seed, "features")), some, labels, pool


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    features, some, labels, pool = data(seed, scale)
    steps = 20 if scale == "smoke" else 200
    said = pool.of(taught(features, some, labels, LOSSES[arm], learning_rate, steps, hidden=16, seed=derive(seed, "head")))
    minimum, last = (best_of(pool, worths(pool, said, how), 16) for how in (Minimum(), LastStep()))
    chance, best = best_of(pool, torch.zeros(len(pool)), 1), best_of(pool, pool.outcome, 16)
    return {"minimum": minimum, "last": last, "both": (minimum + last) / 2, "by chance": chance, "at best": best}
