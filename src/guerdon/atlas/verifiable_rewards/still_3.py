"""STILL-3, of its ablations those of the loop: to learn on-policy, in larger batches and from warmer answers.

World: 256 problems of four kinds (``atlas._approaches``), half of them practised on and the other half measured.

Arms, GRPO without a KL, 12,800 answers each, eight to a problem: "usual", 100 steps of 16 problems, each batch used for one update,
answers drawn at temperature 1; "off-policy", 25 steps of 64 problems, each batch cut into four updates; "small batch", 400 steps of 4
problems; "cold" and "warm", as usual but drawn at temperature 0.6 and 1.2. All have five learning rates and take the one with the best
success: what is only another speed is tuned away.

Measured, exact, on held-out problems: "success" of one answer at temperature 1, at the end; "pass@64".

Claimed, as the paper found: the usual one is ahead of off-policy, of the small batch and of cold; warm is ahead of the usual.

Source: Chen et al. 2025, arXiv 2503.04548: a summary of its experiments. That answers grow longer as they get better, and the code tool,
are not tried: answers have no length here. There settings were compared at a learning rate that was not tuned for each. Chosen here,
before an arm was run: the world; 0.02 of success as the smallest difference of interest.
"""

from dataclasses import replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._approaches import Practice
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.evaluation.metrics.exact_pass_at_k import ExactPassAtK
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="An Empirical Study on Eliciting and Improving R1-like Reasoning Models",
    link="https://arxiv.org/abs/2503.04548",
    kind="study",
    builds_on=("grpo", "rule-verifier"),
    read="summary",
    note=(
        "Each arm at its own rate, the usual settings, the off-policy and the small batch end alike; only a cold temperature is "
        "behind, by 0.07."
    ),
)
_usual = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())
recipe = {
    "usual": _usual,
    "off-policy": replace(_usual, minibatches=4),
    "small batch": _usual,
    "cold": replace(_usual, temperature=0.6),
    "warm": replace(_usual, temperature=1.2),
}
PROBLEMS_A_STEP = {"off-policy": 64, "small batch": 4}
PRACTISED = 1600  # problems drawn in all
claim = AllOf(
    BetterThan("usual", "off-policy", on="success", effect=0.02, matched="samples, updates"),
    *(BetterThan("usual", arm, on="success", effect=0.02, matched="samples") for arm in ("small batch", "cold")),
    BetterThan("warm", "usual", on="success", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5)} for arm in recipe}
TUNED_BY = "success"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    prompts = PROBLEMS_A_STEP.get(arm, 16)
    practice = Practice(seed, steps=2 if scale == "smoke" else PRACTISED // prompts, prompts=prompts)
    policy = practice.reinforced(replace(recipe[arm], optimiser=AdamW(learning_rate)))
    with torch.no_grad():
        rate = practice.success(policy)
    return {"success": float(rate.mean()), "pass@64": float(ExactPassAtK(64)(rate).mean())}
