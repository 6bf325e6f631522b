"""The lessons of Qwen2.5-Math-PRM: labels on which Monte Carlo and a judge agree find errors better, with less data, and best-of-N does not tell who finds them.

World: 36 problems with solutions in steps (``worlds.finite.solutions``), in which right answers by a wrong process are common: of the steps after an error two fifths lead back to
the right number without a reason. On 12 problems 16 solutions each are labelled: by Monte Carlo, a step right where one of 8 continuations comes out right, and by a judge, who
reads each step and is wrong about one in ten. Heads with a hidden layer of 16 learn from blurred features by cross-entropy, from the steps through the first error that their
labels have. A seed is another world, policy, features and draws.

Arms: "Monte Carlo", "judge", "consensus" (only solutions for which both have the same first error), and "exact", who knows which steps are wrong. The learning rate is tuned for
each by the F1.

* "F1": of the first error, as ProcessBench has it, on 12 other problems of 64 solutions each; the threshold is that which is best on 12 further ones.
* "best of 8": accuracy, a solution judged by its least step, exact over the same 64 solutions of each.
* "labels": the share of solutions that are learned from. "tolerance": how often the best of 8 is right by luck, of those that are right.

Claimed: consensus is ahead of Monte Carlo on F1 with fewer solutions, and no worse than the judge; in best-of-8 Monte Carlo is ahead of the judge although on F1 it is behind.

Source: Zhang et al. 2025, arXiv 2501.07301: the abstract and summaries. There the judge is a model of 72 B and the same solutions number hundreds of thousands. Chosen here: the
world, how often the judge errs. The smallest differences of interest: 0.03 of F1 and 0.01 of accuracy.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.process_rewards._steps import Drawn, best_of, drawn, localised, rolled, taught, threshold_for, worths
from guerdon.data.curation.step_consensus import StepConsensus
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="The Lessons of Developing Process Reward Models in Mathematical Reasoning",
    link="https://arxiv.org/abs/2501.07301",
    kind="study",
    builds_on=("step-consensus", "any-success", "step-cross-entropy", "first-error-f1", "best-of-n"),
    read="abstract",
    note=(
        "Consensus finds errors better than Monte Carlo, by 0.13 of F1, with 42 of a hundred solutions; but a judge who errs once in ten is as good or better "
        "with all of them. Best-of-8 does not mislead here: who finds errors better also chooses better, though a tenth of what Monte Carlo chooses is right by "
        "luck."
    ),
)
ARMS = ("Monte Carlo", "judge", "consensus", "exact")
recipe = {"labels": StepConsensus(), "loss": StepCrossEntropy()}
GRID = {arm: {"learning_rate": (0.01, 0.03, 0.1)} for arm in ARMS}
TUNED_BY = "F1"
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
claim = AllOf(
    BetterThan("consensus", "Monte Carlo", on="F1", effect=0.03, matched="updates"),
    BetterThan("consensus", "Monte Carlo", on="labels", lower_is_better=True, effect=0.1),
    NoWorseThan("consensus", "judge", on="F1", margin=0.03),
    BetterThan("judge", "Monte Carlo", on="F1", effect=0.03, matched="labels, updates"),
    BetterThan("Monte Carlo", "judge", on="best of 8", effect=0.01, matched="labels, updates"),
    BetterThan("judge", "Monte Carlo", on="tolerance", lower_is_better=True, effect=0.01, matched="labels, updates"),
)


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Tensor, Drawn, dict[str, tuple[Tensor, Tensor]], list[tuple[Drawn, Tensor]]]:
    """Features, what is labelled, of each labeller the labels and which steps have one, and the two sets that are asked about with their first errors."""
    small = scale == "smoke"
    world = Solutions(contexts=36, seed=derive(seed, "world"))
    policy = world.start(luck=0.4, seed=derive(seed, "policy"))
    some = drawn(world, policy, range(12), 4 if small else 16, derive(seed, "labelled"))
    right = some.of(world.right())
    wrong = torch.rand(right.shape, generator=generator(derive(seed, "judge"), "verdicts")) < 0.1
    verdicts = {
        "Monte Carlo": rolled(some.of(world.values_under(policy)[1]), 8, derive(seed, "labels")) > 0,
        "judge": right ^ wrong,
        "exact": right,
    }
    told = {name: through_first_error(some, own) for name, own in verdicts.items()}
    rows = [
        {"prompt": b, "completions": a, "verdicts": [m, j]}
        for b, (a, m, j) in enumerate(
            zip(some.rows(some.action), *(some.rows(verdicts[n].double()) for n in ("Monte Carlo", "judge")), strict=True)
        )
    ]
    kept = torch.zeros(len(some), 1, dtype=torch.bool)
    kept[[row["prompt"] for row in StepConsensus()(rows)]] = True
    told["consensus"] = told["judge"][0], told["judge"][1] & kept
    asked = [drawn(world, policy, range(12 * k, 12 * k + 12), 16 if small else 64, derive(seed, "asked", k)) for k in (1, 2)]
    return world.features(seed=derive(seed, "features")), some, told, [(own, own.first(~own.of(world.right()))) for own in asked]


def through_first_error(some: Drawn, verdict: Tensor) -> tuple[Tensor, Tensor]:
    """Labels, and the steps through the first one that is 0."""
    before = torch.cat([torch.ones_like(verdict[:, :1]), verdict[:, :-1]], -1).long().cumprod(-1).bool()
    return verdict.double(), before & some.mask


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    features, some, told, [(chosen_on, its_first), (asked, first)] = data(seed, scale)
    labels, judged = told[arm]
    steps = 20 if scale == "smoke" else 200
    table = torch.sigmoid(
        taught(features, some, labels, StepCrossEntropy(), learning_rate, steps, hidden=16, judged=judged, seed=derive(seed, "head"))
    )
    said, worth = asked.of(table), worths(asked, asked.of(table), Minimum())
    accuracy = best_of(asked, worth, 8)
    lucky = best_of(asked, worth, 8, asked.outcome * (first >= 0))
    return {
        "F1": localised(asked, said, first, threshold_for(chosen_on, chosen_on.of(table), its_first)),
        "best of 8": accuracy,
        "tolerance": lucky / accuracy,
        "labels": float(judged[:, 0].double().mean()),
    }
