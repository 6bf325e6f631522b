"""The invisible leash: reinforcement learning makes some right answers of the base likelier, and loses more than it finds.

World: 256 problems of four kinds (``atlas._approaches``), half of them practised on and the other half measured. One of the first actions
(of four) is hardly ever said by the base: its logit is -10, which in 12,800 answers is said a few times in ten. A quarter of what works
lies there.

Arms, 100 steps: GRPO, 16 problems x 8 answers; "GRPO, entropy", with an entropy bonus of 0.03, an explicit push to explore; and "taught",
the log-likelihood of 128 right answers a step, any as likely as any other, which a teacher shows of the practised problems. All have five
learning rates and take the one with the best success.

Measured, exact, over held-out problems: "success" of one answer; the right answers (per problem) whose probability is above 1/1024, a
budget of 1,024 tries: "lost" of those that the base has, "found" of those that it has not, and "lost less found"; "entropy", of answers,
in nats; "beyond", the probability of what the base hardly ever says.

Claimed: GRPO is more often right than the base, loses more right answers than it finds, and its answers have less entropy; beyond its
support it puts nothing (at most 0.01), and so it is with the entropy bonus; who is taught does go beyond.

Source: Wu et al. 2025, arXiv 2507.14843: the abstract, and a summary of its definitions of support (a probability above a threshold) and
of shrinkage and expansion. There answers are counted by their final result, which several texts have in common, and entropy by tokens
besides: here an answer is its sequence, and its entropy the sum of its steps', so that claim is not tried. Chosen here, before an arm was
run: the world, the threshold, and 0.5 of an answer per problem. In a first world the logit was -40: what cannot be drawn is not learned,
by construction, and no steps of AdamW taught it within 100 (seed 0).
"""

from dataclasses import dataclass, replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas._approaches import Practice
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="The Invisible Leash: Why RLVR May Not Escape Its Origin",
    link="https://arxiv.org/abs/2507.14843",
    kind="study",
    builds_on=("grpo", "pass-at-k", "support-metrics"),
    read="abstract",
    note=(
        "GRPO leaves what the base can do exactly as the paper says: nothing beyond it is found, and far more answers are lost "
        "than found. An entropy bonus, which is not to help either, puts 0.08 of its mass beyond."
    ),
)
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())
recipe = {
    "GRPO": _grpo,
    "GRPO, entropy": replace(_grpo, terms=(*_grpo.terms, Term(Entropy(), weight=0.03, reduce=SequenceMean()))),
    "taught": Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1)),
}
THRESHOLD, UNSAID, ANSWERS = 1 / 1024, -10.0, 1024
claim = AllOf(
    BetterThan("GRPO", "base", on="success", effect=0.02),
    BetterThan("GRPO", 0.0, on="lost less found", effect=0.5),
    BetterThan("base", "GRPO", on="entropy", effect=0.1),
    *(EqualTo(arm, 0.0, on="beyond", tolerance=0.01) for arm in ("GRPO", "GRPO, entropy")),
    BetterThan("taught", "GRPO", on="beyond", effect=0.02, matched="answers and updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5)} for arm in recipe}
TUNED_BY = "success"


@dataclass(frozen=True)
class Leashed(Practice):
    """The first action 0 is hardly ever said."""

    def policy(self) -> TablePolicy:
        policy = super().policy()
        with torch.no_grad():
            policy.module["shared"][:, 0, 0] = UNSAID
        return policy


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    practice = Leashed(seed, steps=3 if scale == "smoke" else 100)
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if arm != "taught":
        return measured(practice.reinforced(method), practice)
    pupil = practice.policy()
    shown = practice.right_answers(ANSWERS, lambda right: right, arm)
    fit(pupil, shown, method, Budget(practice.steps, practice.prompts * 8, seed=seed))
    return measured(pupil, practice)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    practice = Leashed(seed, 0)
    return {"base": measured(practice.policy(), practice)} | {arm: trial(arm, seed, scale, **chosen) for arm, chosen in tuned.items()}


@torch.no_grad()
def measured(policy: TablePolicy, practice: Practice) -> dict[str, float]:
    half = practice.problems // 2
    own, base = (p.log_probabilities()[half:].exp() for p in (policy, practice.policy()))
    right = practice.world.rewards()[half:] > 0
    had, has = (right & (p > THRESHOLD) for p in (base, own))
    lost, found = (float(x.sum(-1).double().mean()) for x in (had & ~has, has & ~had))
    return {
        "success": float((own * right).sum(-1).mean()),
        "lost": lost,
        "found": found,
        "lost less found": lost - found,
        "entropy": float(-torch.xlogy(own, own).sum(-1).mean()),
        "beyond": float(own[:, practice.world.tree.actions[:, 0] == 0].sum(-1).mean()),
    }
