"""OPRL: a model of the process learns from which of two answers was better, and each step is compared by it with all steps of the group.

World: eight problems that are solved in up to four steps (``worlds.finite.solutions``, modulo 4); who learns sees the number that was said
last and the next operation, in whichever problem (``_learning``), and is right one time in four at the start. Eight answers to each problem a
step, ten steps. A seed is another world.

Arms: "outcome", the group's mean taken off; "OPRL", the same plus implicit rewards of the steps (``implicit_steps``, beta 0.05) of a copy of the
start that learns after each batch, by DPO against the policy that drew, from all pairs of a right and a wrong answer. Rates tuned alike, by
"mean success", nine trials each: of the policy, and of the process model.

* "success": exact, after 3, 6 and 10 steps, and its mean over these.
* "ranked": how likely, in the end, a right and a wrong answer of the policy are ranked so by the process model's log-ratio to it; exact.

Source: Liu et al. 2025, arXiv 2509.19199 (later iStar), abstract, and authors' code (``istar/core_istar.py``, ``dp_rm.py``). There agents of language
models in shops, games and dialogues, with one pair for each right answer; pairs of all with all are ours. What is said of variance and of fewer
actions is not looked at. The smallest difference of interest: 0.02 of a success rate.
"""

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._learning import another, mean_after, tied, told_apart, trained
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.implicit_steps import ImplicitSteps
from guerdon.credit.segments.every_n import EveryN
from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio_to_actor import LogRatioToActor
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import derive
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Online Process Reward Leanring for Agentic Reinforcement Learning",
    link="https://arxiv.org/abs/2509.19199",
    kind="method",
    builds_on=("dpo", "implicit-steps", "grpo"),
    read="code",
    note=(
        "0.03 of a success rate more than the outcome alone, undecided over 16 seeds. In the end its process model ranks a right and a wrong answer the wrong way round "
        "(0.08): it is measured against the policy, which at the best rates moves thirty times as fast and is by then surer of what is right than its judge."
    ),
)
BETA, STEPS = 0.05, 10


def outcome(learning_rate: float) -> Recipe:
    return Recipe((Term(Clip(0.2)),), AdamW(learning_rate), Group(8), advantage=GroupCentred(scale=None))


def oprl(learning_rate: float, process_rate: float) -> Recipe:
    learns = Learning((Term(Pairwise(LogRatioToActor(BETA), Logistic())),), optimiser=AdamW(process_rate))
    return Recipe(
        (Term(Clip(0.2), data="rollouts"),),
        AdamW(learning_rate),
        Group(8),
        segments=EveryN(1),
        advantage=ImplicitSteps(BETA),
        pairing=AllPairs(),
        learners={"prm": learns},
    )


recipe = {"outcome": outcome(0.3), "OPRL": oprl(0.3, 0.1)}
claim = AllOf(
    BetterThan("OPRL", "outcome", on="mean success", effect=0.02, matched="samples, updates"),
    BetterThan("OPRL", 0.5, on="ranked", effect=0.02),
)
GRID = {
    "outcome": {"learning_rate": (0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 0.9, 1.5, 2.7)},
    "OPRL": {"learning_rate": (0.1, 0.3, 0.9), "process_rate": (0.03, 0.1, 0.3)},
}
TUNED_BY = "mean success"
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


def trial(arm: str, seed: int, scale: str, learning_rate: float, process_rate: float = 0.0) -> dict:
    """One arm, trained."""
    small = scale == "smoke"
    world = Solutions(contexts=4 if small else 8, depth=4, seed=derive(seed, "world"))
    policy = tied(world, seed, slip=0.35)
    prm = another(policy)
    stops = (1, 2) if small else (3, 6, STEPS)
    method, models = (outcome(learning_rate), {}) if arm == "outcome" else (oprl(learning_rate, process_rate), {"prm": prm})
    curve = trained(method, world, policy, seed, stops, models)["success"]
    success = dict(zip((0, 3, 6, STEPS), [curve[0], *[curve[s] for s in stops], curve[max(stops)]][:4], strict=True))
    found = {"success": success, "mean success": mean_after(success)}
    if arm == "outcome":
        return found
    score = (prm.log_probabilities() - policy.log_probabilities()).detach()
    return found | {"ranked": told_apart(score, policy.log_probabilities().detach().exp(), world.rewards())}
