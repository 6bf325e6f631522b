"""SFT memorises, RL generalises: after training under one rule, who is still right when the rule is another?

World: 256 problems of two rules (``Ruled``): on which share of a rule's problems an approach works is drawn for each approach, with a
correlation of 0.7 between the rules. A policy has preferences of its own on each problem and a shift that all problems of both rules
share; both are trained, so that a problem can be learned by heart, and what is shared carries over. Half of the problems of the first
rule are practised on; the other half, and the same half of the second rule, are measured.

Arms, 100 steps: SFT, 128 demonstrations a step, an expert's one right answer to each practised problem; and RL, GRPO, 16 of the same
problems x 8 answers, no KL. Both have five learning rates and take the one with the best success under the rule that was practised.

Measured, exact, after 0, 5, 10, 20, 50 and 100 steps: "seen rule" and "unseen rule", the success of one answer on held-out problems; "by
heart", on the practised ones; and the first at the end.

Claimed, as the abstract has it: under the unseen rule RL is ahead of the base and the base ahead of SFT at the end; and, where neither
may have gone further: RL is ahead of SFT under the unseen rule at equal success on what was practised. (At equal success under the seen
rule, as it was to be, the two cannot be compared: on the first seed SFT never came above the base there.)

Source: Chu et al. 2025, arXiv 2501.17161: the abstract. There a card game and navigation, in words and in pictures, PPO over several
turns with a verifier's words, after a start by SFT for the format; a table has no format, and that RL needs it is not tried. Chosen here,
before an arm was run: the world; 0.01 of success as the smallest difference of interest.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._approaches import Practice
from guerdon.atlas._text import Along
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift, ShiftedPolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.approaches import Approaches

system = System(
    title="SFT Memorizes, RL Generalizes: A Comparative Study of Foundation Model Post-training",
    link="https://arxiv.org/abs/2501.17161",
    kind="study",
    builds_on=("grpo", "sft"),
    read="abstract",
    note=(
        "SFT learns by heart and gains on the unseen rule all the same, 0.13: that it loses is the leaf that fails. At as much "
        "learned by heart RL is ahead there by 0.14."
    ),
)
recipe = {
    "SFT": Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1)),
    "RL": Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred()),
}
STOPS, CORRELATION = (5, 10, 20, 50, 100), 0.7
claim = AllOf(
    BetterThan("RL", "base", on="unseen rule", at="last", effect=0.01),
    BetterThan("base", "SFT", on="unseen rule", at="last", effect=0.01),
    AheadAlong("RL", "SFT", on="unseen rule", along="by heart", effect=0.01),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5)} for arm in recipe}
TUNED_BY = "seen rule at the end"


@dataclass(frozen=True)
class Ruled(Approaches):
    """Two kinds are two rules; what works under the one is likelier to work under the other."""

    def rates(self) -> Tensor:
        z = torch.randn(2, self.tree.size, dtype=torch.float64, generator=generator(self.seed, "rules"))
        other = CORRELATION * z[0] + (1 - CORRELATION**2) ** 0.5 * z[1]
        return torch.sigmoid(self.mean + self.deviation * torch.stack([z[0], other]))


class ByHeart(ShiftedPolicy):
    """A shifted policy whose preferences on each problem are trained as well."""

    def __init__(self, tree: PrefixTree, own: Tensor, shared: Tensor) -> None:
        super().__init__(tree, own, shared)
        self.module["own"] = nn.Parameter(own.detach().clone())

    @property
    def logits(self) -> Tensor:
        return self.module["own"] + self.module["shared"][self.kind]


@dataclass(frozen=True)
class Rules(Practice):
    """Problems of an even number are of the rule that is practised."""

    @property
    def world(self) -> Ruled:
        return Ruled(self.problems, 2, vocabulary=4, depth=self.depth, mean=self.mean, deviation=self.deviation, seed=self.seed)

    def policy(self) -> TablePolicy:
        start = SharedShift(self.problems, 1, vocabulary=4, depth=self.depth, own=0.5, shared=1.0, seed=self.seed).build()
        return ByHeart(start.tree, start.own, start.module["shared"])

    @property
    def practised(self) -> list[dict[str, int]]:
        return super().practised[::2]


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    practice, small = Rules(seed, 0), scale == "smoke"
    policy, stops = practice.policy(), (1, 2, 3, 4, 5) if small else STOPS
    display = Along(stops, lambda: looked(policy, practice))
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if arm == "SFT":
        shown = practice.right_answers(len(practice.practised), lambda works: works, arm)
        fit(policy, shown, method, Budget(stops[-1], practice.prompts * 8, seed=seed), display=display)
    else:
        budget = Budget(stops[-1], practice.prompts, seed=seed)
        improve(policy, FiniteScene(practice.world), practice.practised, method, budget, Decoding(practice.depth), display=display)
    return display.curves | {"seen rule at the end": display.seen[stops[-1]]["seen rule"]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    found = {arm: trial(arm, seed, scale, **chosen) for arm, chosen in tuned.items()}
    base = looked(Rules(seed, 0).policy(), Rules(seed, 0))
    return found | {"base": {name: dict.fromkeys(found["RL"][name], value) for name, value in base.items()}}


@torch.no_grad()
def looked(policy: TablePolicy, practice: Practice) -> dict[str, float]:
    held_out, practised = practice.success(policy), practice.success(policy, held_out=False)
    return {
        "seen rule": float(held_out[::2].mean()),
        "unseen rule": float(held_out[1::2].mean()),
        "by heart": float(practised[::2].mean()),
    }
