"""TBRM: logits as soft values, one squared Bellman residual for each answer, from whoever's answers.

World: two prompts whose answers of four steps over three actions earn something at every step (``_logged``); beta 0.5; reference, behaviour and rewards are
another draw for each seed.
Each arm gets 256 answers and their rewards. Of a log, drawn by the behaviour, 100 steps on all of it:

* "TBRM";
* "CoPG": answers to a prompt two by two, the reward difference against beta times that of the log-ratios;
* "REINFORCE": the regularised reward less the log's mean, without importance weights, which off-policy answers would need.

And as they learn, 8 answers a step in 32 steps, the four of a prompt drawn by the policy as it is:

* "TBRM, acting" makes a step of each batch, and so does "RLOO", with the KL in the reward and leave-one-out; "GRPO" divides by the group's deviation besides, has the clip, and
  its KL is in the loss.

"TBRM, told all" has every answer with the weight that the behaviour gives it, and 600 steps.

Learning rates, to 0 in a line for the log, are tuned for each arm by "lost": how much of the best reward - beta KL is lacking, exactly. Smallest
difference of interest: 0.05, a twentieth of a reward's deviation. That REINFORCE without weights is behind is by construction, and so is GRPO, whose
deviation moves the optimum; RLOO and CoPG could be ahead. After a first look, for its cost alone, the world was cut from four prompts and 512 answers to
two and 256, and from 200 steps to 100.

Source: Yuan et al. 2025, arXiv 2505.15311: abstract and descriptions. Its experiments are on mathematics with language models; what of it is about optima is tried here.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, NoWorseThan, System, TunedBy
from guerdon.atlas.policy_gradient._logged import BETA, Steps, counted
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.losses.comparisons.square import Square
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.values.trajectory_residual import TrajectoryResidual
from guerdon.randomness import derive
from guerdon.sequences import Decoding, Example
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear

system = System(
    title="Trajectory Bellman Residual Minimization: A Simple Value-Based Method for LLM Reasoning",
    link="https://arxiv.org/abs/2505.15311",
    kind="method",
    builds_on=("soft-values", "reference-policy", "off-policy-answers"),
    read="abstract",
    note=(
        "The residual's optimum is the exact one, to 2e-6 when all is told; from the same answers it is ahead of pairs by 0.04, "
        "and acting it is ahead of RLOO by as much."
    ),
)
ANSWERS, GROUP, UPDATES, ALL = 256, 4, 100, 600
_residual = Recipe((Term(TrajectoryResidual(BETA), reduce=SequenceMean()),))
recipe = {
    "CoPG": Recipe((Term(Pairwise(LogRatio(BETA), Square(target=None)), weight=1 / (2 * BETA)),)),
    "REINFORCE": Recipe((Term(Reinforce()), Term(KLSquare(), weight=BETA))),
    "RLOO": Recipe(
        (Term(Reinforce(), reduce=SequenceMean()),),
        sampler=Group(GROUP),
        reward_penalties=(Term(KLDirect(), weight=BETA),),
        advantage=LeaveOneOut(),
    ),
    "GRPO": Recipe((Term(Clip(0.2)), Term(KLSquare(), weight=BETA)), sampler=Group(GROUP), advantage=GroupCentred()),
    "TBRM": _residual,
    "TBRM, acting": replace(_residual, sampler=Group(GROUP)),
}
ACTING = ("RLOO", "GRPO", "TBRM, acting")
_alike = {"on": "lost", "lower_is_better": True, "matched": "samples, updates"}
claim = AllOf(
    EqualTo("TBRM, told all", 0.0, on="distance", tolerance=0.01),
    NoWorseThan("TBRM", "CoPG", margin=0.05, **_alike),
    BetterThan("TBRM", "REINFORCE", effect=0.05, by_construction=True, **_alike),
    NoWorseThan("TBRM, acting", "RLOO", margin=0.05, **_alike),
    BetterThan("TBRM, acting", "GRPO", effect=0.05, by_construction=True, **_alike),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
GRID = {arm: {"learning_rate": (0.01, 0.03, 0.1, 0.3)} for arm in recipe}
TUNED_BY = TunedBy("lost", lower_is_better=True)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    small = scale == "smoke"
    world = Steps(seed=derive(seed, "world"))
    if arm in ACTING:
        method = replace(recipe[arm], optimiser=AdamW(learning_rate))
        policy, steps = world.reference(), 2 if small else ANSWERS // (GROUP * world.contexts)
        budget = Budget(steps=steps, batch_size=world.contexts, seed=seed)
        improve(policy, FiniteScene(world), world.train(), method, budget, Decoding(world.tree.depth))
        return world.measured(policy)
    return fitted(arm, world, data(arm, world), learning_rate, 3 if small else UPDATES)


def data(arm: str, world: Steps) -> list[Example]:
    drawn = world.drawn(ANSWERS)
    if arm == "CoPG":
        return world.pairs(drawn, margin=True)
    rows = world.rows(counted(drawn, world.tree.size))
    if arm == "TBRM":
        return rows
    mean = float(world.rewards().gather(1, drawn).mean())
    return [credited(row, mean) for row in rows]


def credited(row: Example, mean: float) -> Example:
    """What the answer earned beyond the log's mean, at each of its steps."""
    side = row.sides[""]
    steps = {"advantage": (row.columns["reward"] - mean,) * len(side.actions)}
    return Example({"": replace(side, steps=steps)}, {"weight": row.columns["weight"]})


def fitted(arm: str, world: Steps, rows: list[Example], learning_rate: float, steps: int) -> dict[str, float]:
    policy, method = world.reference(), replace(recipe[arm], optimiser=AdamW(Linear(learning_rate)))
    fit(policy, rows, method, Budget(steps=steps, batch_size=len(rows)))
    return world.measured(policy)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    world = Steps(seed=derive(seed, "world"))
    told = world.rows(world.behaviour())
    return arms | {"TBRM, told all": fitted("TBRM", world, told, 0.1, 3 if scale == "smoke" else ALL)}
