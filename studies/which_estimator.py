"""Which estimator? Published ways to make an advantage of verified answers, tuned alike, on three tasks of a tiny model.

    make studies ARGS=which-estimator    # what was learned so far is kept in runs/studies: a measurement that was stopped goes on

Everything but the advantage is the same: one gradient step on each batch of answers (so that no clip and no ratio can matter), mean over tokens, no KL.
Methods whose advantage is not all that they are (PPO's critic, ReMax's greedy answer, best-of-group imitation) bring what they need.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from guerdon.acting.samplers.beside_greedy import BesideGreedy
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.greedy_baseline import GreedyBaseline
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.length_weighted import LengthWeighted
from guerdon.credit.advantages.max_at_k import MaxAtK
from guerdon.credit.advantages.optimal_token_baseline import OptimalTokenBaseline
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.credit.advantages.signed_weight import SignedWeight
from guerdon.credit.advantages.subset_normalised import SubsetNormalised
from guerdon.credit.scales.batch_deviation import BatchDeviation
from guerdon.credit.scales.beta_density import BetaDensity
from guerdon.credit.scales.group_average import GroupAverage
from guerdon.credit.scales.live_share import LiveShare
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.data.selection.drawn import Drawn
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.values.squared_error import SquaredError
from guerdon.recipes import raft
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning, Recipe, Term
from guerdon.training.schedules.linear import Linear
from studies._verifiable import arms
from studies._verifiable.learning import ANSWERS, SAMPLES
from studies._verifiable.page import Words, page_of, picture

NAME = "which_estimator"
SEEDS = {"smoke": 1, "full": 5, "tune": 2}
TUNED_BY = SAMPLES


def plain(advantage: Any) -> Recipe:
    return Recipe((Term(Reinforce()),), sampler=Group(ANSWERS), advantage=advantage)


RECIPES: dict[str, Recipe] = {
    "GRPO": plain(GroupCentred()),
    "no baseline": plain(ReturnToGo()),
    "REINFORCE++": plain(BatchNormalised(ReturnToGo())),
    "REINFORCE++, group's mean": plain(BatchNormalised(GroupCentred(scale=None))),
    "Dr. GRPO": plain(GroupCentred(scale=None)),
    "RLOO": plain(LeaveOneOut()),
    "batch's deviation": plain(GroupCentred(BatchDeviation())),
    "BNPO": plain(GroupCentred(BetaDensity())),
    "GPG": plain(GroupCentred(LiveShare())),
    "MaxRL": plain(GroupCentred(GroupAverage())),
    "OPO": plain(LengthWeighted()),
    "optimal token baseline": plain(OptimalTokenBaseline()),
    "pass@4, subsets normalised": plain(SubsetNormalised(4)),
    "max@4": plain(MaxAtK(4)),
    "W-REINFORCE": plain(SignedWeight()),
    "ReMax": replace(plain(GreedyBaseline()), sampler=BesideGreedy(ANSWERS - 1), learned=(Drawn(),)),
    "best of group, imitated": raft.recipe,
    "PPO": replace(plain(GAE()), target=LambdaReturn(), learners={"critic": Learning((Term(SquaredError()),))}),
}
RATES = (3e-5, 1e-4, 3e-4, 1e-3)


def at(recipe: Recipe) -> Callable[..., Recipe]:
    """The recipe with the rates that are tuned, which fall to 0 in a line."""

    def made(learning_rate: float, critic_rate: float = 0.0) -> Recipe:
        learners = {name: replace(learning, optimiser=AdamW(Linear(critic_rate))) for name, learning in recipe.learners.items()}
        return replace(recipe, optimiser=AdamW(Linear(learning_rate)), learners=learners)

    return made


METHODS = {name: at(recipe) for name, recipe in RECIPES.items()}
GRID = {
    arms.arm(method, task): {"learning_rate": (1e-4, 3e-4), "critic_rate": (1e-3, 3e-3)}
    if RECIPES[method].learners
    else {"learning_rate": RATES}
    for method, task in arms.arms(METHODS)
}


def trial(name: str, seed: int, scale: str, **setting: float) -> dict[str, Any]:
    return arms.trial(METHODS, NAME, name, seed, scale, **setting)


def measure(small: bool) -> dict[str, Any]:
    return arms.measured(sys.modules[__name__], small)


WORDS = Words(
    title="Which estimator?",
    asks="Published ways to turn verified answers into an advantage, and some that do without one, were each tuned on the same grid and run on seeds that no tuning had seen.\n"
    "Everything but the advantage is the same: one gradient step on each batch of 16 problems with 8 answers, the mean over tokens, no KL to a reference.",
    command="make studies ARGS=which-estimator",
    baseline="GRPO",
    image="which-estimator.png",
    seen="After a first look at this page, on which runs were compared over any seeds and only W-REINFORCE was told from GRPO, runs of one seed, which begin alike, are\n"
    "compared with each other. Of the long answers too few were right at first for anybody to learn from; they are shown more often since, which was not measured here.\n\n",
)


def page(results: dict[str, Any]) -> str:
    return page_of(results, WORDS)


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    return [picture(results, WORDS, folder)]
