"""PRIME: a model of the process that learns from outcomes along with the policy, and pays it for each step.

World: eight problems that are solved in up to four steps (``worlds.finite.solutions``, modulo 4); who learns sees the number that was said
last and the next operation, in whichever problem (``_learning``), and is right one time in four at the start. Four answers to each problem a
step, ten steps. A seed is another world.

Arms: "outcome", leave-one-out, whitened over the batch; "PRIME", the same with implicit process rewards (``implicit_process``, beta 0.05) of a
copy of the start that learns after each batch which answers were right; "frozen", with a process model that learned from as many batches of the
start's answers beforehand, which nobody else is given, and from none of the policy's. Rates tuned alike, by "mean success": of the policy, and
of the process model (nine trials each; the outcome's nine are of the one rate that it has).

* "success": exact, after 3, 6 and 10 steps, and its mean over these.
* "told apart": how likely, in the end, a right and a wrong answer of the policy are ranked so by the process model; exact.

Source: Cui et al. 2025, arXiv 2502.01456, abstract, and authors' code (verl, ``recipe/prime``). There mathematics and code with models of seven
billions, for hundreds of steps; rewards are compared by accuracy, and the process model by pairs of one prompt, as here. Chosen here: the world,
the rates, that the process model is asked before it learns from the batch (``update: after``). The smallest differences of interest: 0.02 of a
success rate, 0.03 of "told apart".
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._learning import another, mean_after, tied, told_apart, trained
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.implicit_process import ImplicitProcess
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.losses.by_outcome import ByOutcome
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.models.finite.tied_table import TiedPolicy
from guerdon.randomness import derive
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Process Reinforcement through Implicit Rewards",
    link="https://arxiv.org/abs/2502.01456",
    kind="method",
    builds_on=("rloo", "implicit-process", "clip"),
    read="code",
    note=(
        "Ahead of the outcome alone, by 0.02 of the mean success rate, and in the end its process model ranks the policy's answers "
        "better than a frozen one, by 0.10; a frozen one, which had answers of its own to learn from, pays the policy as well (0.02 "
        "more, undecided): what is right at a step does not change here while the policy learns."
    ),
)
BETA, STEPS = 0.05, 10


def outcome(learning_rate: float) -> Recipe:
    return Recipe((Term(Clip(0.2)),), AdamW(learning_rate), Group(4), advantage=BatchNormalised(LeaveOneOut()))


def prime(learning_rate: float, process_rate: float) -> Recipe:
    learns = Learning((Term(ByOutcome(Pointwise(LogRatio(BETA), CrossEntropy()))),), optimiser=AdamW(process_rate))
    return replace(outcome(learning_rate), advantage=BatchNormalised(ImplicitProcess(BETA)), learners={"prm": learns})


recipe = {"outcome": outcome(0.3), "PRIME": prime(0.3, 0.1)}
claim = AllOf(
    BetterThan("PRIME", "outcome", on="mean success", effect=0.02, matched="samples, updates"),
    BetterThan("PRIME", "frozen", on="mean success", effect=0.02, matched="samples, updates"),
    BetterThan("PRIME", "frozen", on="told apart", effect=0.03, matched="samples, updates"),
)
_RATES = (0.1, 0.3, 0.9)
GRID = {
    "outcome": {"learning_rate": (0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 0.9, 1.5, 2.7)},
    "frozen": {"learning_rate": _RATES, "process_rate": (0.03, 0.1, 0.3)},
    "PRIME": {"learning_rate": _RATES, "process_rate": (0.03, 0.1, 0.3)},
}
TUNED_BY = "mean success"
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


def trial(arm: str, seed: int, scale: str, learning_rate: float, process_rate: float = 0.0) -> dict:
    """One arm, trained."""
    small = scale == "smoke"
    world = Solutions(contexts=4 if small else 8, depth=4, seed=derive(seed, "world"))
    policy = tied(world, seed, slip=0.35)
    start, prm, method = (
        another(policy),
        another(policy),
        outcome(learning_rate) if arm == "outcome" else prime(learning_rate, process_rate),
    )
    steps = 2 if small else STEPS
    if arm == "frozen":
        trained(prime(0.0, process_rate), world, another(policy), derive(seed, "before"), (steps,), {"prm": prm})
        prm.module.requires_grad_(False)
        method = replace(method, learners={})
    stops = (1, 2) if small else (3, 6, STEPS)
    curve = trained(method, world, policy, seed, stops, {} if arm == "outcome" else {"prm": prm})["success"]
    found = {
        "success": dict(
            zip((0, 3, 6, STEPS), (curve[0], *([curve[1], curve[2], curve[2]] if small else [curve[s] for s in stops])), strict=True)
        )
    }
    apart = {} if arm == "outcome" else {"told apart": _apart(world, policy, prm, start)}
    return found | {"mean success": mean_after(found["success"])} | apart


def _apart(world: Solutions, policy: TiedPolicy, prm: TiedPolicy, start: TiedPolicy) -> float:
    """By the process model, over the policy's answers."""
    score = (prm.log_probabilities() - start.log_probabilities()).detach()
    return told_apart(score, policy.log_probabilities().detach().exp(), world.rewards())
