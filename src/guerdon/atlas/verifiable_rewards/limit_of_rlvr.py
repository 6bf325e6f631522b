"""What reinforcement learning adds to a base model: accuracy, not coverage; new abilities come from a teacher.

World: 256 problems of four kinds, answered by one of 256 sequences of four actions (``worlds.finite.approaches``); a sequence works on some problems of a kind
and not on others. The base policy has preferences of its own on each problem; what is trained is a shift that all problems of a kind share, so nothing can be
learned by heart. Half of the problems are practised on, everything is measured on the other half. Probabilities are sums over all sequences: pass@k has no
sampling error.

Arms: the base; GRPO, RLOO and PPO (with a table of values), each 200 steps of 16 problems x 8 answers, one step of AdamW per batch, no KL; and distillation,
200 steps of 128 right answers by a teacher that knows for each practised problem what works. All have nine settings, and take the one with the best pass@1: a
learning rate, and for PPO one of its critic besides.

Measured: pass@k over held-out problems; the share of them that are solvable (right within 256 answers with probability 1/2) only by the arm or only by the
base; the perplexity per action of the arm's answers under the base. The last is not claimed: see the note.

Source: Yue et al. 2025, arXiv 2504.13837, sections 3 to 5. "Nearly a subset" has no number there (0 to 1 % of problems in its tables): here at most one problem
in twenty. The world was chosen on seeds 100 and 101 such that the base solves most problems in 256 tries and few in one: where the base misses many problems
that it could reach (a shared preference of 3 in the place of 2), RL makes a tenth of all problems newly solvable at this k, so the subset is a matter of how
often one tries, as the paper says too.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.evaluation.metrics.exact_pass_at_k import ExactPassAtK
from guerdon.evaluation.metrics.solvable_overlap import SolvableOverlap
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.prefix_value import PrefixValue
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.worlds.finite.approaches import Approaches

RL = ("grpo", "rloo", "ppo")
KS = (1, 4, 16, 64, 256)
PROBLEMS, KINDS, GROUP = 256, 4, 8

system = System(
    title="Does Reinforcement Learning Really Incentivize Reasoning Capacity in LLMs Beyond the Base Model?",
    link="https://arxiv.org/abs/2504.13837",
    kind="study",
    builds_on=("pass-at-k", "grpo", "ppo", "rloo", "distillation"),
    read="abstract",
    note=(
        "Coverage falls, as the paper says. What is left open is only its number: of problems newly solvable there are 4 to 5 "
        "in a hundred, right at the twentieth that is granted. Answers after RL have a perplexity under the base of 3 per "
        "action (the base's own: 2, the teacher's pupil: 11)."
    ),
)
recipe = {
    "grpo": Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(GROUP), advantage=GroupCentred()),
    "rloo": Recipe((Term(Reinforce(), reduce=SequenceMean()),), AdamW(0.1), Group(GROUP), advantage=LeaveOneOut()),
    "ppo": Recipe(
        (Term(Clip(0.2)),),
        AdamW(0.1),
        Group(GROUP),
        advantage=GAE(),
        target=LambdaReturn(),
        learners={"critic": Learning((Term(ClippedRegression()),), PrefixValue(PROBLEMS, 4, 4), AdamW(0.1))},
    ),
    "distilled": Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1)),
}
claim = AllOf(
    *(BetterThan(arm, "base", on="pass@k", at=1, effect=0.01) for arm in RL),
    *(NoWorseThan("base", arm, on="pass@k", at="last", margin=0.01) for arm in RL),
    *(NoWorseThan(arm, 0.0, on="newly solvable", margin=0.05, lower_is_better=True) for arm in RL),
    *(BetterThan("distilled", arm, on="newly solvable", effect=0.02, matched="updates") for arm in RL),
    BetterThan("distilled", "base", on="pass@k", at="every", effect=0.01),
)
SEEDS = {"smoke": 1, "full": 20, "tune": 2}
_RATES = {"learning_rate": (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)}
GRID = {
    "grpo": _RATES,
    "rloo": _RATES,
    "ppo": {"learning_rate": (0.03, 0.1, 0.3), "critic_rate": (0.03, 0.1, 0.3)},
    "distilled": _RATES,
}
TUNED_BY = "pass@1"


def trial(arm: str, seed: int, scale: str, learning_rate: float, critic_rate: float = 0.0) -> dict:
    setting = Setting(seed, steps=5 if scale == "smoke" else 200)
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if critic_rate:
        method = replace(method, learners={"critic": replace(method.learners["critic"], optimiser=AdamW(critic_rate))})
    return measured(trained(arm, setting, method), setting.policy(), setting)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    base, setting = Setting(seed, 0).policy(), Setting(seed, 0)
    return {"base": measured(base, base, setting)} | {arm: trial(arm, seed, scale, **chosen) for arm, chosen in tuned.items()}


@dataclass(frozen=True)
class Setting:
    """A world, its base policy, and how long is trained."""

    seed: int
    steps: int

    @property
    def world(self) -> Approaches:
        return Approaches(PROBLEMS, KINDS, vocabulary=4, depth=4, mean=-5.0, deviation=2.0, seed=self.seed)

    def policy(self) -> TablePolicy:
        return SharedShift(PROBLEMS, KINDS, vocabulary=4, depth=4, own=0.5, shared=2.0, seed=self.seed).build()

    @property
    def practised(self) -> list[dict[str, int]]:
        return self.world.train()[: PROBLEMS // 2]


def trained(name: str, setting: Setting, method: Recipe) -> TablePolicy:
    policy, world = setting.policy(), setting.world
    if name == "distilled":
        fit(policy, teacher(setting), method, Budget(setting.steps, 16 * GROUP, seed=setting.seed))
        return policy
    critics = {key: learning.model.build() for key, learning in method.learners.items()}
    budget = Budget(setting.steps, 16, seed=setting.seed)
    improve(policy, FiniteScene(world), setting.practised, method, budget, Decoding(world.depth), learners=critics)
    return policy


def teacher(setting: Setting) -> list[Example]:
    """Eight right answers to each practised problem that has one, each right one as likely as another."""
    rewards, actions = setting.world.rewards(), setting.world.tree.actions
    random, examples = generator(setting.seed, "teacher"), []
    for row in setting.practised:
        right = rewards[row["prompt"]].nonzero().flatten()
        for answer in right[torch.randint(len(right), (8,), generator=random)] if len(right) else ():
            side = Side((row["prompt"],), tuple(actions[answer].tolist()), (True,) * actions.shape[1])
            examples.append(Example({"": side}))
    return examples


@torch.no_grad()
def measured(policy: TablePolicy, base: TablePolicy, setting: Setting) -> dict:
    own, theirs = (rate(p, setting) for p in (policy, base))
    first, second = ((ExactPassAtK(KS[-1])(r) >= 0.5).astype(int) for r in (theirs, own))
    _, lost, new, _ = SolvableOverlap()(first, second)
    held_out = slice(PROBLEMS // 2, None)
    drawn, under = policy.log_probabilities()[held_out].exp(), base.log_probabilities()[held_out]
    perplexity = torch.exp(-(drawn * under).sum(-1).mean() / setting.world.depth)
    return {
        "pass@1": float(own.mean()),
        "pass@k": {k: float(ExactPassAtK(k)(own).mean()) for k in KS},
        "newly solvable": float(new),
        "no longer solvable": float(lost),
        "perplexity under the base": float(perplexity),
    }


def rate(policy: TablePolicy, setting: Setting) -> Tensor:
    """[problems held out], the probability that one answer is right."""
    return policy.expect(setting.world.rewards())[PROBLEMS // 2 :]
