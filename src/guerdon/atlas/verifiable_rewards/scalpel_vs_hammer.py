"""Scalpel and hammer: reinforcement learning changes a model less than fine-tuning does, and spares what it knew besides.

World: 256 problems of two kinds (``atlas._approaches``), one of which stands for mathematics and the other for knowledge: of the latter
the base knows the answers (four fifths of what it says there is right). What is trained is one shift that problems of both kinds share,
so that whatever is learned in mathematics acts on knowledge as well. Half of the mathematics is practised on; the other half, and the
same half of the knowledge, are measured.

Arms, 100 steps: SFT, the log-likelihood of 128 right answers, any as likely as any other, that a teacher shows of the practised problems;
and GRPO, 16 of the same problems x 8 answers, no KL. Both have five learning rates and take the one with the best success in mathematics
at the end.

Measured, exact, after 0, 5, 10, 20, 50 and 100 steps: "mathematics" and "knowledge", the success of one answer; "change", the root mean
square of what was added to the shift; and the same three at the end.

Claimed, as the abstract has it: SFT gains more in mathematics; GRPO keeps more of the knowledge and changes the parameters less, both at
the end; and what could be false where the other two are not: GRPO keeps more of the knowledge at an equal gain in mathematics.

Source: Rajani et al. 2025, arXiv 2507.10616: the abstract. Which modules of a transformer change (query and key most, there) has no
counterpart in a table and is not tried, nor is freezing. Chosen here, before an arm was run: the world; 0.02 of success and 0.1 of a
logit as the smallest differences of interest.
"""

from dataclasses import dataclass, replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._approaches import Practice
from guerdon.atlas._text import Along
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="Scalpel vs. Hammer: GRPO Amplifies Existing Capabilities, SFT Replaces Them",
    link="https://arxiv.org/abs/2507.10616",
    kind="study",
    builds_on=("grpo", "sft"),
    read="abstract",
    note=(
        "Trained until each is best at mathematics, GRPO is the one that goes further and forgets more (knowledge 0.80 to 0.37, "
        "SFT to 0.71), though it moves less. At the same mathematics neither is ahead."
    ),
)
recipe = {
    "SFT": Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1)),
    "GRPO": Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred()),
}
STOPS, KNOWN, ANSWERS = (5, 10, 20, 50, 100), 0.8, 1024
claim = AllOf(
    BetterThan("SFT", "GRPO", on="mathematics", at="last", effect=0.02, matched="problems, updates"),
    BetterThan("GRPO", "SFT", on="knowledge", at="last", effect=0.02, matched="problems, updates"),
    BetterThan("GRPO", "SFT", on="change", at="last", effect=0.1, lower_is_better=True, matched="problems, updates"),
    AheadAlong("GRPO", "SFT", on="knowledge", along="mathematics", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5)} for arm in recipe}
TUNED_BY = "mathematics at the end"


@dataclass(frozen=True)
class Knowing(Practice):
    """Problems of an odd number are knowledge, and the base knows them; one shift is shared by all."""

    def policy(self) -> TablePolicy:
        policy = SharedShift(self.problems, 1, vocabulary=4, depth=self.depth, own=0.5, shared=2.0, seed=self.seed).build()
        base, right = policy.log_probabilities().detach(), self.world.rewards()
        mass = (base.exp() * right).sum(-1, keepdim=True)
        tilt = torch.where(right > 0, KNOWN / mass.clamp(min=1e-9), (1 - KNOWN) / (1 - mass).clamp(min=1e-9)).log()
        known = policy.distribute(base + tilt).logits.detach().clamp(min=-30.0)
        policy.own[1::2] = (known - policy.module["shared"].detach())[1::2]
        return policy

    @property
    def practised(self) -> list[dict[str, int]]:
        return super().practised[::2]


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    practice = Knowing(seed, 0, kinds=2)
    policy, world, half = practice.policy(), practice.world, practice.problems // 2
    right, start = world.rewards()[half:], policy.module["shared"].detach().clone()

    @torch.no_grad()
    def look() -> dict[str, float]:
        rate, moved = policy.expect(world.rewards())[half:], policy.module["shared"] - start
        solvable = right.sum(-1) > 0
        own, other = (float(rate[place::2][solvable[place::2]].mean()) for place in (0, 1))
        return {"mathematics": own, "knowledge": other, "change": float(moved.square().mean().sqrt())}

    small = scale == "smoke"
    display = Along((1, 2, 3, 4, 5) if small else STOPS, look)
    method, steps = replace(recipe[arm], optimiser=AdamW(learning_rate)), 5 if small else STOPS[-1]
    if arm == "SFT":
        shown = practice.right_answers(ANSWERS, lambda works: works, arm)
        fit(policy, shown, method, Budget(steps, practice.prompts * 8, seed=seed), display=display)
    else:
        budget = Budget(steps, practice.prompts, seed=seed)
        improve(policy, FiniteScene(world), practice.practised, method, budget, Decoding(practice.depth), display=display)
    return display.curves | {"mathematics at the end": display.seen[steps]["mathematics"]}
