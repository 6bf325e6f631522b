"""ShiQ: logits as shifted soft values, and a residual for every suffix, so that what a step earned is learned at that step.

World: two prompts whose answers of four steps over three actions earn something at every step (``_logged``); beta 0.5; reference, behaviour and rewards are
another draw for each seed.
A log of 64 or of 256 answers, drawn by the behaviour, 100 steps on all of it, the learning rate to 0 in a line:

* "ShiQ, by step": it is told what each step earned; "ShiQ, by answer": only the sum, at the last step;
* "trajectory": the one residual of the whole answer (TBRM's), which can be told the sum alone;
* "CoPG": answers to a prompt two by two, the reward difference against beta times that of the log-ratios; "DPO" the same pairs, and only which is better;
* "planned": it is told what each step earned as well, takes a step that is not in the log to earn nothing, and has the optimum for that, exactly.

Learning rates (and DPO's beta) are tuned for each arm by "lost" on 256 answers: how much of the best reward - beta KL is lacking, exactly. Smallest difference of interest: 0.05, a
twentieth of a reward's deviation. That "by step" is ahead of DPO, which is not told the rewards, is by construction. "by answer" is told what CoPG and "trajectory" are; "planned"
what "by step" is. Logs of 512 answers, looked at first, took too long, and on them all that are told rewards came within 0.03 of each other.

Source: Clavier et al. 2025, arXiv 2505.11081: abstract and descriptions. Its experiments with language models and tools are not repeated.
"""

from dataclasses import replace

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System, TunedBy
from guerdon.atlas.policy_gradient._logged import BETA, Steps, counted
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.square import Square
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.values.suffix_residual import SuffixResidual
from guerdon.losses.values.trajectory_residual import TrajectoryResidual
from guerdon.randomness import derive
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear

system = System(
    title="ShiQ: Bringing back Bellman to LLMs",
    link="https://arxiv.org/abs/2505.11081",
    kind="method",
    builds_on=("soft-values", "reference-policy", "off-policy-answers"),
    read="abstract",
    note=(
        "What each step earned is worth telling: by step it loses 0.11 to 0.23 less than by answer. Told the sum alone, it is "
        "no better than a residual of the whole, and worse with few answers. Planning with the same rewards, and nothing "
        "assumed of what was not seen, is 0.07 ahead."
    ),
)
LOGGED, UPDATES = (64, 256), 100


def dpo(beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),))


_shiq = Recipe((Term(SuffixResidual(BETA)),))
recipe = {
    "trajectory": Recipe((Term(TrajectoryResidual(BETA), reduce=SequenceMean()),)),
    "CoPG": Recipe((Term(Pairwise(LogRatio(BETA), Square(target=None)), weight=1 / (2 * BETA)),)),
    "DPO": dpo(BETA),
    "ShiQ, by answer": _shiq,
    "ShiQ, by step": _shiq,
}
_alike = {"on": "lost", "at": "every", "lower_is_better": True, "matched": "samples, updates"}
claim = AllOf(
    *(BetterThan("ShiQ, by answer", o, effect=0.05, **_alike) for o in ("trajectory", "CoPG")),
    BetterThan("ShiQ, by step", "ShiQ, by answer", effect=0.05, **_alike),
    BetterThan("ShiQ, by step", "DPO", effect=0.05, by_construction=True, **_alike),
    NoWorseThan("ShiQ, by step", "planned", margin=0.05, **_alike),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
_rates = {"learning_rate": (0.03, 0.06, 0.1, 0.3)}
GRID = {arm: {"learning_rate": (0.01, 0.03), "beta": (BETA, 4 * BETA)} if arm == "DPO" else _rates for arm in recipe}
TUNED_BY = TunedBy("lost on most", lower_is_better=True)


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = BETA, logged: tuple[int, ...] = LOGGED[-1:]) -> dict:
    world = Steps(seed=derive(seed, "world"))
    method = replace(dpo(beta) if arm == "DPO" else recipe[arm], optimiser=AdamW(Linear(learning_rate)))
    found = {}
    for answers in logged:
        drawn, policy = world.drawn(answers), world.reference()
        once = counted(drawn, world.tree.size)
        rows = world.pairs(drawn, margin=arm == "CoPG") if arm in ("CoPG", "DPO") else world.rows(once, dense=arm == "ShiQ, by step")
        fit(policy, rows, method, Budget(steps=2 if scale == "smoke" else UPDATES, batch_size=len(rows)))
        found[answers] = world.measured(policy)["lost"]
    return {"lost": found, "lost on most": found[max(found)]}


def planned(world: Steps, answers: int) -> float:
    """What the optimum for the steps in the log lacks."""
    nodes, actions = world.tree.nodes(world.tree.actions), world.tree.actions
    known = world.earned * 0
    for c, drawn in enumerate(world.drawn(answers).tolist()):
        known[c, nodes[drawn], actions[drawn]] = 1.0
    reference = world.reference()
    earned = (world.earned * known)[:, nodes, actions].sum(-1)
    best = KLRegularisedOptimum(BETA)(earned, reference.log_probabilities().detach().exp())["policy"]
    return world.measured(reference.distribute(best.log()))["lost"]


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, logged=LOGGED, **setting) for arm, setting in tuned.items()}
    world = Steps(seed=derive(seed, "world"))
    lost = {answers: planned(world, answers) for answers in LOGGED}
    return arms | {"planned": {"lost": lost, "lost on most": lost[LOGGED[-1]]}}
