"""BRAIn: a self-normalised baseline makes distribution matching a low-variance loss on groups, with DPO as its coarsest case.

World: a bandit of ten answers with rewards from N(0, 1) and a reference with logits from N(0, 1/4). The posterior is reference(y)
exp(reward / 0.5) / Z, the optimum of E[reward] - 0.5 KL. A seed is another bandit. The reward model is the true reward: what is compared is
what methods make of it.

*In expectation*: the minimiser over all pairs that the reference draws: its distance (total variation) from the posterior.

*From samples*: 32 groups of 8 answers of the reference, the same for all. "BRAIn" on the groups; "DPO" and "SLiC" on the best and the worst
of each, as often as they occur, at the beta of 0.25, 0.5, 1, 2 and 4 with the smallest true regret (the most generous way to tune; their
margins have no scale of reward); "no baseline": the posterior's weights on the likelihood alone, as in distributional policy gradients. All
by L-BFGS (200 iterations; labels that are always right have no minimum for DPO, and that is where it stops). Measured: the regret of
E[reward] - 0.5 KL.

*Variance*: of the gradient by the logits at the reference, of one group, with and without the baseline: the trace of its covariance, over
2,000 groups, relative to the square of the mean of BRAIn's.

Source: Pandey et al. 2024, arXiv 2402.02479: the posterior, the gradient and the special case. Its experiments on language models are not
repeated; ``recipe: brain`` runs on them.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
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
)
ANSWERS, BETA, GROUPS, SIZE = 10, 0.5, 32, 8
BETAS = (0.25, 0.5, 1.0, 2.0, 4.0)
DISTANCE, VARIANCE = "distance from the posterior, in expectation", "variance of the gradient"
brain = Listwise(LogRatio(1.0), TopOne(temperature=BETA))
recipe = {"BRAIn": Recipe((Term(brain),))}
claim = AllOf(
    EqualTo("BRAIn", 0.0, on=DISTANCE, tolerance=0.001),
    *(BetterThan("BRAIn", other, on="regret", lower_is_better=True) for other in ("DPO", "SLiC", "no baseline")),
    BetterThan("BRAIn", "no baseline", on=VARIANCE, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 10}


def experiment(seed: int, scale: str) -> dict:
    reward = ContextualBandit(actions=ANSWERS, seed=derive(seed, "rewards")).rewards()[0]
    start = Tabular(1, ANSWERS, deviation=0.5, seed=derive(seed, "reference"))
    world = ComparisonWorld(reward, start.build, BETA)
    drawn = torch.multinomial(world.reference_probabilities.repeat(GROUPS, 1), SIZE, replacement=True, generator=generator(seed, "groups"))

    def regret(terms: tuple[Term, ...], examples: list[Example]) -> float:
        policy = world.start()
        minimise(policy, terms, examples)
        return world.measured(policy)["regret"]

    best = torch.stack([drawn.gather(1, reward[drawn].argmax(1, True)), drawn.gather(1, reward[drawn].argmin(1, True))], 1).squeeze(-1)
    pairs = world.counted(best[best[:, 0] != best[:, 1]])
    noise = variances(world, 200 if scale == "smoke" else 2000, seed)
    return {
        "BRAIn": {
            DISTANCE: distance(world),
            "regret": regret((Term(brain),), grouped(world, drawn)),
            VARIANCE: noise["with"],
        },
        "no baseline": {"regret": regret((Term(NegativeLogLikelihood()),), weighted(world, drawn)), VARIANCE: noise["without"]},
        **{
            name: {"regret": min(regret((Term(Pairwise(LogRatio(beta), link)),), pairs) for beta in BETAS)}
            for name, link in (("DPO", Logistic()), ("SLiC", Hinge()))
        },
        "reference": {"regret": world.measured(world.start())["regret"]},
    }


def grouped(world: ComparisonWorld, drawn: Tensor, weight: Tensor | None = None) -> list[Example]:
    """Groups [n, k] of answers with their rewards."""
    columns = [{} if weight is None else {"weight": float(w)} for w in (drawn[:, 0] if weight is None else weight)]
    return [
        Example({"": tuple(world.side(a) for a in row)}, {"reward": tuple(world.reward[list(row)].tolist()), **own})
        for row, own in zip(drawn.tolist(), columns, strict=True)
    ]


def weighted(world: ComparisonWorld, drawn: Tensor) -> list[Example]:
    """Every answer by itself, with its share of the posterior among its group."""
    share = (world.reward[drawn] / BETA).softmax(-1) * drawn.shape[1]
    return [Example({"": world.side(a)}, {"weight": w}) for a, w in zip(drawn.flatten().tolist(), share.flatten().tolist(), strict=True)]


def distance(world: ComparisonWorld) -> float:
    """Of the minimiser over all pairs, each as often as the reference draws it, from the posterior."""
    pairs = torch.combinations(torch.arange(ANSWERS))
    policy = world.start()
    minimise(policy, (Term(brain),), grouped(world, pairs, world.reference_probabilities[pairs].prod(-1) * len(pairs)))
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
