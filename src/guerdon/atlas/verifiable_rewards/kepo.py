"""KEPO: a teacher is listened to only along answers that came out right, and helps to find some where the policy finds none.

World: eight problems of four kinds (``worlds.finite.ladder``, those of the highest level): a code of five actions out of four, all of which
have to be right, so that a uniform policy succeeds once in a thousand tries. What is trained is a shift that the problems of a kind share;
one problem of each kind is practised on, the other one measured, exactly. The teacher knows the way and has lost it where one goes astray:
along the code it takes the right action with 0.71 (and so succeeds in 0.18 of its own tries); elsewhere its logits are N(0, 2^2), sure and
of no use.

Arms, 8 answers to each of the four problems, 60 steps:

* GRPO;
* "uniform": GRPO and KL(policy || teacher) at every step of every answer, on-policy distillation beside the reward;
* "gated": the same at the steps of answers that were right;
* "uniform with help", and "KEPO", which is gated with help: half of the answers are drawn by the policy and the teacher together, their logits
  half and half, in the place of hints in a prompt.

Of nine settings each arm takes the best by success: three learning rates by three weights of the distance to the teacher, for GRPO nine
learning rates.

Claimed: KEPO succeeds more often on what was not practised than GRPO, than uniform distillation, and than uniform distillation with the
same help. A difference of 0.02 is nothing to care about.

Source: KEPO, arXiv 2602.00400, the abstract. There hints are generated, put into the prompt where a group has no success, and what succeeds
replaces others; here the help is always half of a group and nothing is replaced. Its world is visual question answering in medicine. The
teacher's 0.71 and its wandering: chosen here, before an arm was run.
"""

from dataclasses import replace
from functools import lru_cache

import torch

from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.against import Against
from guerdon.losses.choices.reward_above import RewardAbove
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.where import Where
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.ladder import Ladder

system = System(
    title="KEPO: Knowledge-Enhanced Preference Optimization for Reinforcement Learning with Reasoning",
    link="https://arxiv.org/abs/2602.00400",
    kind="method",
    builds_on=("grpo", "distillation", "reward-above"),
    read="abstract",
    note=(
        "Being told by the teacher at every step reaches 0.99. Gated by success it is never heard without help (0.38, as GRPO), "
        "and with help reaches 1.00: 0.024 more than everywhere with the same help, and 0.008 more than everywhere without, "
        "which is less than was of interest."
    ),
)
KINDS, ACTIONS, DEPTH, ANSWERS = 4, 4, 5, 8
LEAD, ASTRAY = 2.0, 2.0  # the teacher's logit of the right action on the way; the deviation of its logits off it
_everywhere = Against(KLExact(), view="teacher")
_where_right = Where(RewardAbove(), then=_everywhere)
_alone, _helped = Group(ANSWERS), Interpolated((0.0, 0.5), ANSWERS // 2, view="teacher")
_grpo = Recipe((Term(Clip(0.2)),), AdamW(0.1), _alone, advantage=GroupCentred(GroupDeviation()))
recipe = {
    "GRPO": _grpo,
    "uniform": replace(_grpo, terms=(*_grpo.terms, Term(_everywhere))),
    "gated": replace(_grpo, terms=(*_grpo.terms, Term(_where_right))),
    "uniform with help": replace(_grpo, terms=(*_grpo.terms, Term(_everywhere)), sampler=_helped),
    "KEPO": replace(_grpo, terms=(*_grpo.terms, Term(_where_right)), sampler=_helped),
}
claim = AllOf(
    *(
        BetterThan("KEPO", other, on="success", effect=0.02, matched="samples and updates")
        for other in ("GRPO", "uniform", "uniform with help")
    ),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {
    arm: {"learning_rate": (0.03, 0.1, 0.3), "weight": (0.1, 0.3, 1.0)}
    if len(method.terms) > 1
    else {"learning_rate": (0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 1.0)}
    for arm, method in recipe.items()
}
TUNED_BY = "success"


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float = 0.0) -> dict[str, float]:
    world = World(derive(seed, "world"))
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if weight:
        method = replace(method, terms=(method.terms[0], replace(method.terms[1], weight=weight)))
    policy, budget = world.policy(), Budget(4 if scale == "smoke" else 60, KINDS, seed=seed)
    improve(policy, FiniteScene(world.ladder), world.practised, method, budget, Decoding(DEPTH), learners={"teacher": world.teacher()})
    return {"success": world.success(policy)}


class World:
    """The problems, the base policy and the teacher."""

    def __init__(self, seed: int):
        self.seed, self.ladder = seed, Ladder(2 * KINDS * DEPTH, KINDS, ACTIONS, DEPTH, seed)
        hardest = [row for row in self.ladder.train() if row["level"] == DEPTH]
        self.practised, self.held_out = hardest[:KINDS], hardest[KINDS:]

    def policy(self) -> TablePolicy:
        return SharedShift(self.ladder.contexts, KINDS, ACTIONS, DEPTH, own=0.5, seed=self.seed).build()

    def teacher(self) -> TablePolicy:
        return _teacher(self.ladder)

    @torch.no_grad()
    def success(self, policy: TablePolicy) -> float:
        return float(policy.expect(self.ladder.rewards())[[row["prompt"] for row in self.held_out]].mean())


@lru_cache(maxsize=2)
def _teacher(ladder: Ladder) -> TablePolicy:
    tree = ladder.tree
    logits = ASTRAY * torch.randn(ladder.contexts, tree.prefixes, ACTIONS, dtype=torch.float64, generator=generator(ladder.seed, "teacher"))
    nodes = tree.nodes(ladder.code)
    for context in range(ladder.contexts):
        logits[context, nodes[context]] = LEAD * torch.nn.functional.one_hot(ladder.code[context], ACTIONS).double()
    return TablePolicy(tree, logits).reference()
