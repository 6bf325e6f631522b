"""SimpleRL-Zoo: from a base model, reward that an answer is right and nothing else, on problems that it can sometimes solve.

World: 256 problems of four kinds, answered by three actions over four: the form in which the answer is written, and an approach
(``Formed``). Whether an answer is right depends on the approach alone. The base hardly knows the required form: its logit is lower by 3.
Half of the problems are practised on, the other half measured.

Arms, GRPO without a KL, 100 steps of 16 problems x 8 answers: "format reward" (right and in the form: 1; wrong and in the form: -1/2; out
of the form: -1); "correctness" (right: 1, else 0, whatever the form); "hard", as correctness, on the third of the practised problems that
the base solves most seldom, and "easy", on that which it solves oftenest; "SFT first", as correctness, after 30 steps of imitation of a
teacher who writes in the form, one right answer to each problem (learning rate 0.1). All have five learning rates and take the one with
the best success.

Measured, exact, on held-out problems, at the end: "success", in whatever form; "pass@64"; "in the form".

Claimed: correctness is ahead of the format reward; the hard third is behind all problems, and behind the easy one; RL from the base comes
at least as far as RL after SFT, and further in pass@64.

Source: Zeng et al. 2025, arXiv 2503.18892: the abstract and a summary of its sections on format rewards (the values above), difficulty
and SFT. That length and verification go different ways is not tried: answers have no length here. Chosen here, before an arm was run: the
world; 0.02 of success as the smallest difference of interest.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._approaches import Practice
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.evaluation.metrics.exact_pass_at_k import ExactPassAtK
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.approaches import Approaches

system = System(
    title="SimpleRL-Zoo: Investigating and Taming Zero Reinforcement Learning for Open Base Models in the Wild",
    link="https://arxiv.org/abs/2503.18892",
    kind="study",
    builds_on=("grpo", "rule-verifier", "pass-at-k"),
    read="abstract",
    note=(
        "Of the four points two hold: the reward of a format holds learning back, and problems that are too hard do. "
        "Fine-tuning first is no handicap here; it keeps a format and has 0.08 more of pass@64."
    ),
)
recipe = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())
imitation = Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1))
ARMS = ("format reward", "correctness", "hard", "easy", "SFT first")
STEPS, IMITATED, SELDOM = 100, 30, 3.0
claim = AllOf(
    BetterThan("correctness", "format reward", on="success", effect=0.02, matched="samples, updates"),
    BetterThan("correctness", "hard", on="success", effect=0.02, matched="samples, updates"),
    BetterThan("easy", "hard", on="success", effect=0.02, matched="samples, updates"),
    NoWorseThan("correctness", "SFT first", on="success", margin=0.02, matched="samples of RL"),
    BetterThan("correctness", "SFT first", on="pass@64", effect=0.02, matched="samples of RL"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5)} for arm in ARMS}
TUNED_BY = "success"


@dataclass(frozen=True)
class Formed(Approaches):
    """The first action is the form, 0 the one that is required; what is right depends on the others. ``strict`` rewards the form besides."""

    strict: bool = False

    def rewards(self) -> Tensor:
        approaches = Approaches(self.contexts, self.kinds, self.vocabulary, self.depth - 1, None, self.mean, self.deviation, self.seed)
        right = approaches.rewards().repeat(1, self.vocabulary)  # the tree counts with the first action as the highest digit
        return torch.where(self.tree.actions[:, 0] == 0, 1.5 * right - 0.5, -1.0) if self.strict else right


@dataclass(frozen=True)
class Writing(Practice):
    """Practice of ``Formed``, of which the base hardly knows the form."""

    @property
    def world(self) -> Formed:
        return Formed(self.problems, self.kinds, vocabulary=4, depth=self.depth, mean=self.mean, deviation=self.deviation, seed=self.seed)

    def policy(self) -> TablePolicy:
        policy = super().policy()
        with torch.no_grad():
            policy.module["shared"][:, 0] = 0.0
            policy.module["shared"][:, 0, 0] = -SELDOM
        return policy

    def one_each(self) -> list[Example]:
        """One right answer to each practised problem that has one, in the form."""
        rng, out = generator(self.seed, "one answer each"), []
        actions = self.world.tree.actions
        right = self.world.rewards() * (actions[:, 0] == 0)
        for row in self.practised:
            if right[row["prompt"]].sum() > 0:
                said = actions[int(torch.multinomial(right[row["prompt"]], 1, generator=rng))].tolist()
                out.append(Example({"": Side((row["prompt"],), tuple(said), (True,) * len(said))}))
        return out


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    practice, small = Writing(seed, 0), scale == "smoke"
    policy, rows = practice.policy(), practice.practised
    if arm in ("hard", "easy"):
        order = practice.success(policy, held_out=False).detach().argsort(descending=arm == "easy")[: len(rows) // 3]
        rows = [rows[place] for place in sorted(order.tolist())]
    if arm == "SFT first":
        fit(policy, practice.one_each(), imitation, Budget(2 if small else IMITATED, 128, seed=seed))
    world, budget = replace(practice.world, strict=arm == "format reward"), Budget(2 if small else STEPS, practice.prompts, seed=seed)
    improve(policy, FiniteScene(world), rows, replace(recipe, optimiser=AdamW(learning_rate)), budget, Decoding(practice.depth))
    return measured(policy, practice)


@torch.no_grad()
def measured(policy: TablePolicy, practice: Practice) -> dict[str, float]:
    rate, said = practice.success(policy), policy.log_probabilities()[practice.problems // 2 :].exp()
    return {
        "success": float(rate.mean()),
        "pass@64": float(ExactPassAtK(64)(rate).mean()),
        "in the form": float(said[:, practice.world.tree.actions[:, 0] == 0].sum(-1).mean()),
    }
