"""ADORA: what is learned of a prompt counts a tenth where thinking longer did not pay, so that lengths grow and with them accuracy.

World: pondering (``worlds.finite.pondering``): 16 problems that need one to five thoughts before the answer, else it is a guess with a
chance of 0.2; idle steps look like thoughts and help nobody. A policy that shares what it learns between problems of a kind begins by
answering at once more often than not. A seed is another beginning.

Arms, alike but for the advantage: "GRPO", and "ADORA", which multiplies it by a weight on prompts whose longest right answer is no longer
than the mean of the wrong ones that ended. Both draw 8 answers to each problem, 40 steps. GRPO's learning rate, and ADORA's with its
weight, are tuned by the accuracy at the end, with as many settings.

Measured, exactly: accuracy and length half-way and at the end.

Smallest differences of interest: 0.02 of accuracy, 0.2 steps.

Source: arXiv 2602.10019 and the authors' code of its language-model experiments (``ADORA/verl/trainer/ppo/core_algos.py``), to which the
part is held in the tests. Their weights for vision-language models go by difficulty and are not tried. In a world where thoughts help,
answers that thought longer are right more often anyhow: whether attenuating the others adds to that is the question.
"""

from dataclasses import replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.length_attenuated import LengthAttenuated
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.pondering import Pondering

system = System(
    title="ADORA: Training Reasoning Models with Dynamic Advantage Estimation on Reinforcement Learning",
    link="https://arxiv.org/abs/2602.10019",
    kind="method",
    builds_on=("grpo", "length-attenuated"),
    read="code",
    note=(
        "In a world where thinking helps, making its groups count more is worth 0.15 of accuracy half-way and 0.08 at the end, "
        "with longer answers."
    ),
)
WORLD, STEPS = Pondering(), 40
START = (0.3, 0.1, 0.6)  # think, idle, answer
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), sampler=Group(8), advantage=GroupCentred())
recipe = {"GRPO": _grpo, "ADORA": replace(_grpo, advantage=LengthAttenuated())}
claim = AllOf(
    BetterThan("ADORA", "GRPO", on="accuracy", effect=0.02, matched="samples, updates"),
    BetterThan("ADORA", "GRPO", on="accuracy half-way", effect=0.02, matched="samples, updates"),
    BetterThan("ADORA", "GRPO", on="length", effect=0.2, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 3}
GRID = {
    "GRPO": {"learning_rate": (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)},
    "ADORA": {"learning_rate": (0.1, 0.3, 0.9), "weight": Knob((0.1, 0.5), least=0.0, most=1.0)},
}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float = 1.0) -> dict[str, float]:
    policy = SharedShift(WORLD.contexts, WORLD.kinds, 3, WORLD.depth, end=2, own=0.3, seed=seed).build()
    with torch.no_grad():
        policy.module["shared"].add_(torch.tensor(START, dtype=torch.float64).log())
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if arm == "ADORA":
        method = replace(method, advantage=LengthAttenuated(weight=weight))
    steps, found = 4 if scale == "smoke" else STEPS, []
    for half in range(2):
        budget = Budget(steps // 2, batch_size=WORLD.contexts, seed=derive(seed, "half", half))
        improve(policy, FiniteScene(WORLD), WORLD.train(), method, budget, Decoding(WORLD.depth))
        found.append(float(policy.expect(WORLD.rewards()).detach().mean()))
    length = policy.expect(WORLD.tree.length.double().expand(WORLD.contexts, -1)).detach()
    return {"accuracy half-way": found[0], "accuracy": found[1], "length": float(length.mean())}
