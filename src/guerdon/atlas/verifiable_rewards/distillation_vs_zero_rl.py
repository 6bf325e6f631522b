"""A few hundred answers of one who knows how, or reinforcement learning from nothing: which makes a base better at problems that it finds hard?

World: 256 problems of four kinds (``atlas._approaches``), half of them practised on and the other half measured, by sums over all answers.

Arms: the base; zero-RL, which is GRPO on the base, 200 steps of 16 problems x 8 answers; and "distilled", the base after 100 steps on
batches of 64 out of 256 right answers to the practised problems by a teacher who knows what works most often: of the approaches that are
right on a problem it takes each in proportion to the fourth power of the share of problems of the kind on which it works. Both have five
learning rates and take the one of the best accuracy.

Measured on the held-out problems: accuracy, on all and on the third that the base solves least; and pass@64 of that third.

Claimed: distilled is better than zero-RL on all three (by more than 0.01), from a hundredth of the answers.

What the paper is about besides, that the distilled model reconsiders, in words that can be counted, and is worse where they are banned,
needs answers that are text: the system waits for a world of such answers, and this is its first claim alone.

Source: arXiv 2505.21067, the abstract: 920 examples of a reasoning model beat zero-RL of a base with 32 billion parameters. The teacher's
fourth power and the number of answers were chosen here, before an arm was run.
"""

from dataclasses import replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._approaches import Practice
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.evaluation.metrics.exact_pass_at_k import ExactPassAtK
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="Why Distillation can Outperform Zero-RL: The Role of Flexible Reasoning",
    link="https://arxiv.org/abs/2505.21067",
    kind="study",
    builds_on=("grpo", "sft", "pass-at-k"),
    read="abstract",
    waits_for="a world of text in which a model reconsiders, in words that can be counted and banned",
    note=(
        "The pupil is ahead everywhere that was claimed, most on pass@64 of the hardest; its teacher knows all right answers, "
        "which no policy that learns by itself does."
    ),
)
ANSWERS, POWER, TRIES = 256, 4, 64
recipe = {
    "zero-RL": Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred()),
    "distilled": Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1)),
}
MEASURES = ("accuracy", "accuracy on the hardest", "pass@64 on the hardest")
claim = AllOf(*(BetterThan("distilled", "zero-RL", on=measure, effect=0.01, matched="base") for measure in MEASURES))
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.015, 0.03, 0.06, 0.12, 0.25)} for arm in recipe}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    small = scale == "smoke"
    practice = Practice(seed, steps=4 if small else 200)
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if arm == "zero-RL":
        return measured(practice.reinforced(method), practice)
    pupil = practice.policy()
    fit(pupil, shown(practice), method, Budget(4 if small else 100, 64, seed=seed))
    return measured(pupil, practice)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    practice = Practice(seed, 0)
    return {"base": measured(practice.policy(), practice)} | {arm: trial(arm, seed, scale, **chosen) for arm, chosen in tuned.items()}


def shown(practice: Practice) -> list:
    """The teacher's answers to the practised problems."""
    shares = practice.world.rates()[torch.arange(practice.problems // 2) % practice.kinds]
    return practice.right_answers(ANSWERS, lambda right: right * shares**POWER, "teacher")


@torch.no_grad()
def measured(policy: TablePolicy, practice: Practice) -> dict[str, float]:
    own, base = practice.success(policy), practice.success(practice.policy())
    hardest = own[base.argsort()[: len(base) // 3]]
    return dict(zip(MEASURES, (float(own.mean()), float(hardest.mean()), float(ExactPassAtK(TRIES)(hardest).mean())), strict=True))
