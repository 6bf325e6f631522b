"""Differential information: labels that encode what the reference has to learn make DPO's log-ratio the score that finds the target.

World: 16 answers; a reference with probabilities like rank^(-1.5) in a random order, times exp(N(0, 1/16)), and a target, the reference
times exp(N(0, 1)). Where nothing is drawn, all is exact: losses are over all ordered pairs with the weights that infinitely many samples would give,
minimisers by L-BFGS from the reference. A seed is another reference and target.

*Score*. Chosen answers from the reference, rejected ones from the distribution with which pairs are labelled by Bradley-Terry on beta
log(target / reference), beta = 0.5. DPO with that beta; and the other margin losses, each with the parameters of a grid that come nearest
to the target: SimPO (beta 0.25 to 4, lead 0, 0.5 and 1), the comparison of CPO (log-probabilities without a reference) and that of ORPO
(log-odds, weighed) over the same betas, IPO. Measured: the distance (total variation) from the target.

By construction no other comes to the target: labels were made so.

*Drawn*. 1,024 such pairs instead, where the right form need not win: it has noise to learn as well. DPO, SimPO, CPO's comparison and IPO, each
with beta and iterations (SimPO: beta and lead) tuned by the distance. A difference of 0.02 is of interest.

*Rejected answers*. DPO at that beta again, but with rejected answers from the uniform distribution, and from the target: then the labels
say something else.

*Entropy*. Of the differential information, target / reference normalised, and of the policy that learns it: how much its entropy exceeds
the reference's. *Reinforcing* information goes with the reference, a target like reference^1.5; *smoothing* goes against it, reference^0.5.
*Random* information is exp(scale * N(0, 1)) for scales from 1/4 to 4: the smaller the scale, the higher the entropy. Claimed: smoothing
information has the higher entropy of the two, and the policy's entropy falls as random information's does. Measured beside, with a
reference whose log-probabilities are symmetric about their mean (27 sequences of a tree, logits from N(0, 1)): the same two, where nothing
makes the one entropy larger than the other.

Source: Won et al. 2025, arXiv 2505.23761, as far as its abstract, reviews and summaries go; its theorems on the log-ratio and on rejected
answers are what *score* and *rejected answers* test. Its experiments on text are not repeated. The law of the reference was chosen after a
trial with the tree, in which smoothing and reinforcing had entropies of 2.95 and 3.10.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, FallsWith, Knob, System, TunedBy
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.exact.solvers.differential_information import DifferentialInformation
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.square import Square
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_odds import LogOdds
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.finite.tabular import Tabular
from guerdon.randomness import derive, generator
from guerdon.training.recipe import Term

system = System(
    title="Differential Information: An Information-Theoretic Perspective on Preference Optimization",
    link="https://arxiv.org/abs/2505.23761",
    kind="theory",
    builds_on=("dpo", "simpo", "energy-based-policies", "entropy-metric"),
    read="summary",
    note=(
        "On drawn pairs log-ratios are what matters: SimPO and CPO stay behind. The logistic link does not: IPO with a beta of 0.18 comes closer to "
        "the target than DPO, by 0.02. That smoothing information has the higher entropy is a matter of the reference: with that of a tree it is the "
        "other way round."
    ),
)
ANSWERS, BETA, POWER, PAIRS = 16, 0.5, 0.5, 1024
BETAS, LEADS = (0.25, 0.5, 1.0, 2.0, 4.0), (0.0, 0.5, 1.0)
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
DISTANCE, ENTROPY, RISE = "distance from the target", "entropy of the information", "rise of the policy's entropy"
OTHERS = {
    "SimPO": [Pairwise(MeanLogProbability(beta), Logistic(lead=lead)) for beta in BETAS for lead in LEADS],
    "log-probabilities (CPO)": [Pairwise(LogProbability(beta), Logistic()) for beta in BETAS],
    "log-odds (ORPO)": [Pairwise(LogOdds(), Logistic())],
    "IPO": [Pairwise(LogRatio(beta), Square()) for beta in BETAS],
}
recipe = {"DPO": Pairwise(LogRatio(BETA), Logistic()), "SimPO": OTHERS["SimPO"][0], "information": DifferentialInformation(BETA)}
DRAWN = {
    "SimPO, drawn": lambda beta, lead: Pairwise(MeanLogProbability(beta), Logistic(lead=lead)),
    "CPO, drawn": lambda beta, lead: Pairwise(LogProbability(beta), Logistic()),
    "IPO, drawn": lambda beta, lead: Pairwise(LogRatio(beta), Square()),
    "DPO, drawn": lambda beta, lead: Pairwise(LogRatio(beta), Logistic()),
}
GRID = {arm: {"beta": (0.25, 0.5, 1.0), "iterations": Knob((3, 10, 30), most=200)} for arm in DRAWN}
GRID["SimPO, drawn"] = {"beta": (0.25, 0.5, 1.0), "lead": Knob((0.0, 0.5, 1.0), least=0.0)}
TUNED_BY = TunedBy(DISTANCE, lower_is_better=True)
_closer = {"on": DISTANCE, "lower_is_better": True}
claim = AllOf(
    EqualTo("DPO", 0.0, on=DISTANCE, tolerance=1e-3),
    *(BetterThan("DPO", name, by=0.01, effect=0.01, **_closer, by_construction=True) for name in OTHERS),
    *(
        BetterThan("DPO", f"DPO, rejected from the {name}", by=0.01, effect=0.01, **_closer, by_construction=True)
        for name in ("target", "uniform")
    ),
    *(BetterThan("DPO, drawn", f"{name}, drawn", effect=0.02, **_closer, matched="pairs") for name in ("SimPO", "CPO", "IPO")),
    BetterThan("smoothing", "reinforcing", on=ENTROPY, effect=0.05),
    FallsWith("random information", on=f"{RISE}, by scale"),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 4}


def trial(arm: str, seed: int, scale: str, beta: float, iterations: int = 30, lead: float = 0.0) -> dict[str, float]:
    reference, draw = laws(seed)
    world = world_of(reference, draw)
    rejected = DifferentialInformation(BETA)(world.optimum, reference)["rejected"]
    rng = generator(seed, "pairs")
    sides = [torch.multinomial(law, PAIRS, replacement=True, generator=rng) for law in (reference, rejected)]
    pairs = torch.stack(sides, -1)
    policy = world.start()
    minimise(policy, (Term(DRAWN[arm](beta, lead)),), world.counted(pairs[pairs[:, 0] != pairs[:, 1]]), steps=iterations)
    return {DISTANCE: world.measured(policy)["distance from the optimum"]}


@lru_cache(maxsize=4)
def laws(seed: int) -> tuple[Tensor, Tensor]:
    """[S] each: the reference, and the logarithm of what the target has in addition."""
    rng = generator(seed, "reference")
    order, own = torch.randperm(ANSWERS, generator=rng), torch.randn(ANSWERS, dtype=torch.float64, generator=rng)
    reference = (0.25 * own - 1.5 * (1.0 + order).log()).softmax(-1)
    return reference, torch.randn(ANSWERS, dtype=torch.float64, generator=generator(seed, "target"))


def world_of(reference: Tensor, draw: Tensor) -> ComparisonWorld:
    """The world of which the target is the optimum."""
    return ComparisonWorld(draw, Tabular(1, ANSWERS, logits=(tuple(reference.log().tolist()),)).build, beta=1.0)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    reference, draw = laws(seed)
    arms = {"DPO": {DISTANCE: nearest([recipe["DPO"]], reference, draw)}}
    for name, losses in OTHERS.items():
        arms[name] = {DISTANCE: nearest(losses[:: 3 if scale == "smoke" else 1], reference, draw)}
    elsewhere = {"target": tilted(reference, draw), "uniform": torch.full_like(reference, 1 / ANSWERS)}
    for name, rejected in elsewhere.items():
        arms[f"DPO, rejected from the {name}"] = {DISTANCE: nearest([recipe["DPO"]], reference, draw, rejected)}
    tree = PrefixTable(1, 3, 3, deviation=1.0, seed=derive(seed, "tree")).build().probabilities(0).detach()
    for where, held in (("", reference), (" of a tree", tree)):
        arms[f"reinforcing{where}"] = learned_of(held, POWER * held.log())
        arms[f"smoothing{where}"] = learned_of(held, -POWER * held.log())
    at = {size: learned_of(reference, size * draw) for size in SCALES}
    arms["random information"] = {
        f"{measure}, by scale": {size: found[measure] for size, found in at.items()} for measure in (ENTROPY, RISE)
    }
    return arms | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}


def tilted(reference: Tensor, information: Tensor) -> Tensor:
    """The policy that has learned this: the reference times exp(information)."""
    return (reference.log() + information).softmax(-1)


def nearest(losses: Sequence[Pairwise], reference: Tensor, draw: Tensor, rejected: Tensor | None = None) -> float:
    """The least distance from the target among the minimisers of these losses. ``rejected`` None: drawn so that labels encode the target."""
    world = world_of(reference, draw)
    if rejected is None:
        rejected = DifferentialInformation(BETA)(world.optimum, reference)["rejected"]
    pairs = (~torch.eye(ANSWERS, dtype=torch.bool)).nonzero()
    examples, distances = world.examples(pairs, reference[pairs[:, 0]] * rejected[pairs[:, 1]]), []
    for loss in losses:
        policy = world.start()
        minimise(policy, (Term(loss),), examples)
        distances.append(world.measured(policy)["distance from the optimum"])
    return min(distances)


def learned_of(reference: Tensor, information: Tensor) -> dict[str, float]:
    policy = tilted(reference, information)
    rise = -(policy * policy.log()).sum() + (reference * reference.log()).sum()
    return {ENTROPY: float(DifferentialInformation()(policy, reference)["entropy"]), RISE: float(rise)}
