"""BRAIn: a self-normalised baseline makes distribution matching a low-variance loss on groups, with DPO as its coarsest case.

World: a bandit of ten answers with rewards from N(0, 1) and a reference with logits from N(0, 1/4). The posterior is reference(y)
exp(reward / 0.5) / Z, the optimum of E[reward] - 0.5 KL. A seed is another bandit.

*In expectation*: the minimiser over all pairs that the reference draws: its distance (total variation) from the posterior.

*From samples*: 32 groups of 8 answers of the reference, the same for all, each answer scored with its reward and an error from N(0, 1) of its
own, which is what a reward model is like; and L-BFGS for so many iterations. "BRAIn" on the groups; "DPO" and
"SLiC" on the best and the worst of each, as often as they occur; "no baseline": the posterior's weights on the likelihood alone, as in
distributional policy gradients; "DPO, soft labels": all pairs of a group, each labelled with the probability that people who compare by
Bradley-Terry on these scores would prefer it. Measured and tuned by: the regret of E[reward] - 0.5 KL, which has the price in it; knobs are
the beta (the posterior's temperature for BRAIn and for the likelihood alone) and the iterations, since labels that are always right have no minimum.

*Variance*: of the gradient by the logits at the reference, of one group, with and without the baseline: the trace of its covariance, over
2,000 groups, relative to the square of the mean of BRAIn's.

Claimed: less regret and variance than without the baseline; less regret than DPO and SLiC, which is by construction: best and worst do not say
by how much. Soft labels do, so they are what BRAIn is compared with besides. Differences of 0.02 in regret are of interest; to keep the
reference costs about 0.6. Scores had no error before: then whatever sees them gets the posterior to the last digit.

Source: Pandey et al. 2024, arXiv 2402.02479: the posterior, the gradient and the special case. Its experiments on language models are not
repeated; ``recipe: brain`` runs on them. Soft labels as a baseline, worlds and sizes are ours.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, Knob, System, TunedBy
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.labels.soft import Soft
from guerdon.losses.listwise import Listwise
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.rankings.top_one import TopOne
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.tabular import Tabular
from guerdon.randomness import derive, generator
from guerdon.sequences import Example
from guerdon.training.recipe import Recipe, Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="BRAIn: Bayesian Reward-conditioned Amortized Inference for natural language generation from feedback",
    link="https://arxiv.org/abs/2402.02479",
    kind="method",
    builds_on=("dpo", "self-normalised-importance-sampling", "distributional-policy-gradient", "bradley-terry-reward-model"),
    read="summary",
    note=(
        "BRAIn beats what cannot see by how much an answer is better, and the likelihood without its baseline. DPO on all pairs of a group with soft "
        "labels sees as much, and has less regret, by 0.04: where scores err, an error moves one pair's label less than it moves a group's weights."
    ),
)
ANSWERS, BETA, GROUPS, SIZE = 10, 0.5, 32, 8
DISTANCE, VARIANCE, SOFT = "distance from the posterior, in expectation", "variance of the gradient", "DPO, soft labels"
brain = Listwise(LogRatio(1.0), TopOne(temperature=BETA))
recipe = {"BRAIn": Recipe((Term(brain),))}
_KNOBS = {"beta": (0.25, 0.5, 1.0), "iterations": Knob((10, 30, 100), most=300)}  # by then what has a minimum is there
GRID = dict.fromkeys((SOFT, "DPO", "SLiC", "no baseline", "BRAIn"), _KNOBS)
TUNED_BY = TunedBy("regret", lower_is_better=True)
_same = {"on": "regret", "lower_is_better": True, "effect": 0.02, "matched": "groups, price in the objective"}
claim = AllOf(
    EqualTo("BRAIn", 0.0, on=DISTANCE, tolerance=0.001),
    *(BetterThan("BRAIn", other, **_same) for other in (SOFT, "no baseline")),
    *(BetterThan("BRAIn", other, **_same, by_construction=True) for other in ("DPO", "SLiC")),
    BetterThan("BRAIn", "no baseline", on=VARIANCE, lower_is_better=True, effect=0.1, matched="groups"),
)
SEEDS = {"smoke": 1, "full": 40, "tune": 4}


@lru_cache(maxsize=4)
def start(seed: int) -> tuple[ComparisonWorld, Tensor, Tensor]:
    """A world, the groups [n, k] that its reference drew, and their scores."""
    reward = ContextualBandit(actions=ANSWERS, seed=derive(seed, "rewards")).rewards()[0]
    world = ComparisonWorld(reward, Tabular(1, ANSWERS, deviation=0.5, seed=derive(seed, "reference")).build, BETA)
    drawn = torch.multinomial(world.reference_probabilities.repeat(GROUPS, 1), SIZE, replacement=True, generator=generator(seed, "groups"))
    error = torch.randn(drawn.shape, dtype=torch.float64, generator=generator(seed, "errors"))
    return world, drawn, reward[drawn] + error


def trial(arm: str, seed: int, scale: str, beta: float, iterations: int) -> dict[str, float]:
    world, *scored = start(seed)
    policy, pair = world.start(), LogRatio(beta)
    loss, examples = {
        "BRAIn": lambda: (Listwise(LogRatio(1.0), TopOne(temperature=beta)), grouped(world, *scored)),
        "no baseline": lambda: (NegativeLogLikelihood(), weighted(world, *scored, beta)),
        "DPO": lambda: (Pairwise(pair, Logistic()), extremes(world, *scored)),
        "SLiC": lambda: (Pairwise(pair, Hinge()), extremes(world, *scored)),
        SOFT: lambda: (Pairwise(pair, Logistic(), label=Soft()), softly(world, *scored)),
    }[arm]()
    minimise(policy, (Term(loss),), examples, steps=iterations)
    return {"regret": world.measured(policy)["regret"]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = start(seed)[0]
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    noise = variances(world, 200 if scale == "smoke" else 2000, seed)
    arms["BRAIn"] |= {DISTANCE: distance(world), VARIANCE: noise["with"]}
    arms["no baseline"][VARIANCE] = noise["without"]
    return arms | {"reference": {"regret": world.measured(world.start())["regret"]}}


def extremes(world: ComparisonWorld, drawn: Tensor, score: Tensor) -> list[Example]:
    """The best and the worst of each group."""
    best = torch.stack([drawn.gather(1, score.argmax(1, True)), drawn.gather(1, score.argmin(1, True))], 1).squeeze(-1)
    return world.counted(best[best[:, 0] != best[:, 1]])


def softly(world: ComparisonWorld, drawn: Tensor, score: Tensor) -> list[Example]:
    """All pairs of different answers within groups, with the probability that the first is preferred."""
    both = torch.combinations(torch.arange(SIZE))
    pairs, gap = drawn[:, both].flatten(0, 1), (score[:, both[:, 0]] - score[:, both[:, 1]]).flatten()
    different = pairs[:, 0] != pairs[:, 1]
    return world.examples(pairs[different], preference=gap[different].sigmoid())


def grouped(world: ComparisonWorld, drawn: Tensor, score: Tensor, weight: Tensor | None = None) -> list[Example]:
    """Groups [n, k] of answers with their scores."""
    columns = [{} if weight is None else {"weight": float(w)} for w in (drawn[:, 0] if weight is None else weight)]
    return [
        Example({"": tuple(world.side(a) for a in row)}, {"reward": tuple(scores), **own})
        for row, scores, own in zip(drawn.tolist(), score.tolist(), columns, strict=True)
    ]


def weighted(world: ComparisonWorld, drawn: Tensor, score: Tensor, temperature: float) -> list[Example]:
    """Every answer by itself, with its share of the posterior among its group."""
    share = (score / temperature).softmax(-1) * drawn.shape[1]
    return [Example({"": world.side(a)}, {"weight": w}) for a, w in zip(drawn.flatten().tolist(), share.flatten().tolist(), strict=True)]


def distance(world: ComparisonWorld) -> float:
    """Of the minimiser over all pairs, each as often as the reference draws it, from the posterior."""
    pairs = torch.combinations(torch.arange(ANSWERS))
    policy = world.start()
    minimise(policy, (Term(brain),), grouped(world, pairs, world.reward[pairs], world.reference_probabilities[pairs].prod(-1) * len(pairs)))
    return world.measured(policy)["distance from the optimum"]


def variances(world: ComparisonWorld, groups: int, seed: int) -> dict[str, float]:
    """Of a group's gradient at the reference: of sum of (share - target) grad log p, and of sum of -target grad log p."""
    at = world.reference_probabilities
    drawn = torch.multinomial(at.repeat(groups, 1), SIZE, replacement=True, generator=generator(seed, "variance"))
    score = torch.nn.functional.one_hot(drawn, ANSWERS).double() - at  # [groups, SIZE, ANSWERS], grad log p of each answer by the logits
    target = (world.reward[drawn] / BETA).softmax(-1).unsqueeze(-1)
    found = {"with": ((1 / SIZE - target) * score).sum(1), "without": (-target * score).sum(1)}
    size = found["with"].mean(0).square().sum()
    return {name: float(gradient.var(0).sum() / size) for name, gradient in found.items()}
