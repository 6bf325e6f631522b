"""ER-PRM: steps are labelled with the KL-regularised optimal value of what stands after them, log mean exp of outcomes, in place of their mean.

World: 24 problems with solutions in steps (``worlds.finite.solutions``). On 12 of them 8 solutions each are labelled from 8 continuations of every step, and a head with a hidden
layer of 16 learns the labels from blurred features by cross-entropy with soft labels. A seed is another world, policy, features and draws.

Arms, by label: "soft value" (eta tuned, at the learning rate 0.03), "mean" (the share of right continuations) and "hard" (whether one came out right), whose learning rates
are tuned.

* "best of 16": accuracy on the other 12 problems, solutions judged by their least step; exact over a pool of 96 of each.
* "distance": the largest difference, over all prefixes of all problems, between log mean exp over whole continuations and the value of the optimal policy of the tree, found
  backwards step by step.

Source: Zhang et al. 2024, arXiv 2412.11006: the abstract and summaries. There 7 B models read mathematics, 16 continuations and up to best of 64. Chosen here: the world, the
head, the aggregation. The smallest difference of interest: 0.01 of accuracy.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas.process_rewards._steps import Drawn, best_of, drawn, rolled, taught, worths
from guerdon.data.step_labels import StepLabels
from guerdon.data.step_labels.any_success import AnySuccess
from guerdon.data.step_labels.soft_value import SoftValue
from guerdon.data.step_labels.success_rate import SuccessRate
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Entropy-Regularized Process Reward Model",
    link="https://arxiv.org/abs/2412.11006",
    kind="reward",
    builds_on=("soft-value", "success-rate", "any-success", "step-cross-entropy", "best-of-n"),
    read="abstract",
    note=(
        "Labels are the optimum's values, to rounding; but the head that learns them chooses worse than one that learns the mean of outcomes, by 0.05, and as "
        "one of hard labels does: perhaps since a log mean exp of eight tries calls too much worth something."
    ),
)
TRIES = 8
recipe = {"soft value": SoftValue(), "mean": SuccessRate(), "hard": AnySuccess()}
_RATES = (0.01, 0.03, 0.1)
GRID = {
    "mean": {"learning_rate": _RATES},
    "hard": {"learning_rate": _RATES},
    "soft value": {"eta": (0.5, 2.0, 8.0)},
}
TUNED_BY = "best of 16"
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
claim = AllOf(
    EqualTo("soft value", 0.0, on="distance", tolerance=1e-9),
    BetterThan("soft value", "mean", on="best of 16", effect=0.01, matched="labels, updates"),
    BetterThan("soft value", "hard", on="best of 16", effect=0.01, matched="labels, updates"),
)


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Solutions, TablePolicy, Tensor, Drawn, Tensor, Drawn]:
    """The world and its policy, features, what is labelled, how many of its continuations come out right, and the pool to choose from."""
    world = Solutions(seed=derive(seed, "world"))
    policy = world.start(seed=derive(seed, "policy"))
    some = drawn(world, policy, range(12), 8, derive(seed, "labelled"))
    right = rolled(some.of(world.values_under(policy)[1]), TRIES, derive(seed, "labels")) * TRIES
    pool = drawn(world, policy, range(12, 24), 32 if scale == "smoke" else 96, derive(seed, "pool"))
    return world, policy, world.features(seed=derive(seed, "features")), some, right, pool


def label(part: StepLabels, right: Tensor) -> Tensor:
    """[B, T], what the part makes of so many right continuations of ``TRIES``."""
    of = torch.tensor(part([[1.0] * n + [0.0] * (TRIES - n) for n in range(TRIES + 1)]), dtype=torch.float64)
    return of[right.round().long()]


def distance(world: Solutions, policy: TablePolicy, eta: float) -> float:
    """From the log mean exp of outcomes to the optimum's value: v = max over policies of E[what follows] - KL / eta, whose optimum tilts each step by what follows it."""
    complete = torch.zeros(world.tree.prefixes, world.tree.vocabulary, dtype=torch.float64)
    complete[:, world.answering], complete[-(world.tree.vocabulary ** (world.depth - 1)) :] = 1.0, 1.0
    mean, follows = world.values_under(policy, (eta * world.ends()).exp() * complete)
    log_steps = policy.logits.detach().log_softmax(-1)
    best = (log_steps + follows.clamp(min=1e-300).log()).log_softmax(-1)
    price = (best.exp() * (best - log_steps)).sum(-1)
    charged = world.ends() - (price / eta).unsqueeze(-1)  # the price of a prefix is paid at whichever step is taken
    optimal = world.values_under(TablePolicy(world.tree, best), charged)[0]
    return float((mean.log() / eta - optimal).abs().max())


def trial(arm: str, seed: int, scale: str, learning_rate: float = 0.03, eta: float = math.nan) -> dict[str, float]:
    world, policy, features, some, right, pool = data(seed, scale)
    part = SoftValue(eta) if arm == "soft value" else recipe[arm]
    steps = 20 if scale == "smoke" else 200
    said = pool.of(
        taught(features, some, label(part, right), StepCrossEntropy(), learning_rate, steps, hidden=16, seed=derive(seed, "head"))
    )
    found = {"best of 16": best_of(pool, worths(pool, said, Minimum()), 16)}
    return found | ({"distance": distance(world, policy, eta)} if arm == "soft value" else {})
