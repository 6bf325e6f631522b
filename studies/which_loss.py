"""Which loss aggregation, clip and KL? Published surrogates, reductions and penalties under one estimator, tuned alike, on three tasks of a tiny model.

    make studies ARGS=which-loss        # what was learned so far is kept in runs/studies: a measurement that was stopped goes on

The advantage is GRPO's everywhere, and a batch of answers is used for four gradient steps, so that a policy moves away from who drew and the ratio means something. The arm
that all others are compared with clips at 0.2 and takes the mean over tokens; each other arm differs from it in one thing.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.importance_weighted import ImportanceWeighted
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.reduce.prompt_mean import PromptMean
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.clipped_geometric_mean import ClippedGeometricMean
from guerdon.losses.surrogates.gamma_weight import GammaWeight
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.losses.surrogates.soft_gate import SoftGate
from guerdon.recipes import clip_cov, dppo, forking_tokens, kl_cov
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.training.schedules.linear import Linear
from studies._verifiable import arms
from studies._verifiable.learning import ANSWERS, SAMPLES, Size
from studies._verifiable.page import Words, page_of, picture

NAME = "which_loss"
SEEDS = {"smoke": 1, "full": 5, "tune": 2}
TUNED_BY = SAMPLES
SIZE = Size(looks=8)
LENGTH = 8  # characters of a middling answer: by what sums over tokens are divided
BASELINE = "clip 0.2, token mean"


def loss(*terms: Term, **more: Any) -> Recipe:
    return Recipe(terms, sampler=Group(ANSWERS), advantage=GroupCentred(), minibatches=4, **more)


def of(other: Recipe) -> Recipe:
    """The terms of a published recipe under the same estimator."""
    return loss(*other.terms)


clipped = Term(Clip(0.2))
RECIPES: dict[str, Recipe] = {
    BASELINE: loss(clipped),
    "sequence mean (GRPO)": loss(replace(clipped, reduce=SequenceMean())),
    "prompt mean": loss(replace(clipped, reduce=PromptMean())),
    "sum over tokens (Dr. GRPO)": loss(replace(clipped, reduce=ConstantLength(LENGTH))),
    "no ratio (REINFORCE)": loss(Term(Reinforce())),
    "clip higher (DAPO)": loss(Term(Clip(0.2, epsilon_high=0.28))),
    "dual clip": loss(Term(Clip(0.2, dual=3.0))),
    "bounded weight (CISPO)": loss(Term(BoundedWeight())),
    "soft gate (SAPO)": loss(Term(SoftGate())),
    "sequence ratio (GSPO)": loss(Term(SequenceRatio(), reduce=SequenceMean())),
    "sequence ratio, sums (LUSPO)": loss(Term(SequenceRatio(), reduce=ConstantLength(1))),
    "geometric mean (GMPO)": loss(Term(ClippedGeometricMean(), reduce=SequenceMean())),
    "gamma weight (VESPO)": loss(Term(GammaWeight())),
    "probability change (DPPO)": of(dppo.recipe),
    "clip-cov": of(clip_cov.recipe),
    "KL-cov": of(kl_cov.recipe),
    "forking tokens": of(forking_tokens.recipe),
}
# With a penalty, whose weight is tuned beside the rate.
PENALISED: dict[str, Callable[[float], Recipe]] = {
    "KL in the reward (k1)": lambda weight: loss(clipped, reward_penalties=(Term(KLDirect(), weight=weight),)),
    "KL in the loss (k2)": lambda weight: loss(clipped, Term(KLSquare(), weight=weight)),
    "KL in the loss (k3)": lambda weight: loss(clipped, Term(KLExponential(), weight=weight)),
    "KL in the loss, unbiased": lambda weight: loss(clipped, Term(ImportanceWeighted(KLExponential()), weight=weight)),
    "entropy bonus": lambda weight: loss(clipped, Term(Entropy(), weight=weight)),
}
RATES, FEW_RATES, WEIGHTS = (3e-5, 1e-4, 3e-4, 1e-3), (1e-4, 3e-4), (3e-3, 3e-2)


def at(made: Callable[..., Recipe]) -> Callable[..., Recipe]:
    """The recipe with the rate that is tuned, which falls to 0 in a line."""
    return lambda learning_rate, **more: replace(made(**more), optimiser=AdamW(Linear(learning_rate)))


METHODS = {name: at(partial(replace, recipe)) for name, recipe in RECIPES.items()} | {name: at(made) for name, made in PENALISED.items()}
GRID = {
    arms.arm(method, task): {"learning_rate": FEW_RATES, "weight": WEIGHTS} if method in PENALISED else {"learning_rate": RATES}
    for method, task in arms.arms(METHODS)
}


def trial(name: str, seed: int, scale: str, **setting: float) -> dict[str, Any]:
    return arms.trial(METHODS, NAME, name, seed, scale, SIZE, **setting)


def measure(small: bool) -> dict[str, Any]:
    return arms.measured(sys.modules[__name__], small)


WORDS = Words(
    title="Which loss aggregation, clip and KL?",
    asks="Published surrogates, ways to average and penalties were each tuned on the same grid and run on seeds that no tuning had seen. The advantage is\n"
    "GRPO's everywhere, and each batch of 16 problems with 8 answers is used for four gradient steps, so that the policy moves away from who drew. Each arm\n"
    "differs in one thing from a clip at 0.2 with the mean over tokens and no penalty.",
    command="make studies ARGS=which-loss",
    baseline=BASELINE,
    image="which-loss.png",
    size=SIZE,
)


def page(results: dict[str, Any]) -> str:
    return page_of(results, WORDS)


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    return [picture(results, WORDS, folder)]
