"""Constrained RLHF: of several reward models each is pursued to the point up to which it is good for something, and no further, with weights that follow from that.

World: ``exploitable`` answers with two properties (``lsc_transform.Property``): what the first two qualities are worth and what the other two are. Gold is their sum. Each has
a reward model, fitted to 500 comparisons by people who look at it alone; people are three times as sure of the second (``rationality`` 3), so its scores are in larger units,
as those of two models from anywhere are. A seed is another world.

Arms, all exact optima: "fixed": the sum of the scores less beta KL, along beta; "fixed, in units": each score in units of its deviation under the reference; "constrained": the
least KL at which each model's mean score is its threshold, which is where a Lagrangian with a multiplier for each model comes to rest (exp(sum of multiplier_i score_i)). The
thresholds are each model's own proxy point: its mean score at which its property's gold is highest when it is pursued alone. "constrained, searched": Nelder-Mead moves the
thresholds from there, by gold, with 40 looks; "fixed, searched": it moves the two weights from those of "fixed, in units" at its best beta, with as many looks. All looks are
at gold itself.

Measured: "gold along": the curve of the fixed ones over their KL; "best gold", at the best beta; "last gold", at 5 nats, to which training without an end goes ("constrained"
stays where it is); "over": by how much the mean scores exceed the thresholds at the end, in deviations, the larger of the two.

Source: Moskovitz et al. 2023, arXiv 2310.04373, of which the abstract and descriptions were read: proxy points of components, constrained PPO with multipliers, Nelder-Mead on
thresholds. There GPT-2 on dialogues, METEOR and an intent score, a value head for each. The smallest difference of interest: 0.02 of gold.
"""

from collections.abc import Sequence

import torch
from scipy.optimize import minimize
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.reward_robustness._proxies import BUDGETS, members
from guerdon.atlas.reward_robustness._pursuit import pursued
from guerdon.atlas.reward_robustness.lsc_transform import Property
from guerdon.randomness import derive
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Confronting Reward Model Overoptimization with Constrained RLHF",
    link="https://arxiv.org/abs/2310.04373",
    kind="method",
    builds_on=("kl-regularised-optimum", "bradley-terry", "lagrangian"),
    read="abstract",
    untuned="exact optima; beta, thresholds and weights are chosen by gold, with as many looks for both searches",
    note=(
        "Constraints stop the fall, and the thresholds are what counts: where each model is best by itself is too far for both together (0.14 below fixed weights in units, "
        "at their best beta). Searched thresholds gain 0.19 on that and come to exactly what searched weights come to, as each is the other."
    ),
)
RATIONALITY = (1.0, 3.0)
LOOKS = {"smoke": 6, "full": 40}
claim = AllOf(
    BetterThan("constrained", "fixed", on="last gold", effect=0.02, by_construction=True),
    BetterThan("constrained", "fixed", on="best gold", effect=0.02, matched="the best beta and the proxy points, both by gold"),
    BetterThan("constrained", "fixed, in units", on="best gold", effect=0.02, matched="the best beta and the proxy points, both by gold"),
    NoWorseThan("constrained, searched", "fixed, searched", on="best gold", margin=0.02, matched="looks at gold"),
    BetterThan("constrained, searched", "constrained", on="best gold", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 14}


def experiment(seed: int, scale: str) -> dict:
    small, budgets = scale == "smoke", BUDGETS[scale]
    worlds = [Property(seed=seed, of=of, rationality=sure) for of, sure in zip(((0, 1), (2, 3)), RATIONALITY, strict=True)]
    world, golds = worlds[0], torch.stack([of.rewards() for of in worlds])
    own = [members(of, of.comparisons(100 if small else 500, derive(seed, i)), [derive(seed, i)])[0] for i, of in enumerate(worlds)]
    scores, reference = torch.stack(own), world.reference()
    unit = (reference * scores.square()).sum(-1).mean(-1).sqrt().view(-1, 1, 1)
    scores = scores / unit  # in deviations; "fixed" has them as they came

    def gold(policy: Tensor) -> float:
        return float((policy * golds.sum(0)).sum(-1).mean())

    arms, points = {}, []
    for score, truth in zip(scores, golds, strict=True):
        alone = pursued(score, world, budgets)
        best = max(alone.policies, key=lambda policy, truth=truth: float((policy * truth).sum(-1).mean()))
        points.append(float((best * score).sum(-1).mean()))
    for arm, weight in (("fixed", unit), ("fixed, in units", torch.ones_like(unit))):
        bought = pursued((weight * scores).sum(0), world, budgets)
        curve = {x: gold(policy) for x, policy in zip(budgets, bought.policies, strict=True)}
        ends = {"last gold": curve[budgets[-1]], "over": over(bought.policies[-1], scores, points)}
        arms[arm] = {"gold along": curve, "best gold": max(curve.values())} | ends
        best = max(bought.policies, key=gold)
    at = multipliers(scores, world, [float((best * score).sum(-1).mean()) for score in scores])
    held = tilted(multipliers(scores, world, points), scores, world)
    arms["constrained"] = {"best gold": gold(held), "last gold": gold(held), "over": over(held, scores, points)}
    searches = {
        "constrained, searched": (lambda x: tilted(multipliers(scores, world, list(x)), scores, world), points),
        "fixed, searched": (lambda x: tilted(torch.tensor(x, dtype=torch.float64), scores, world), at.tolist()),
    }
    for arm, (policy, start) in searches.items():
        found = minimize(lambda x, policy=policy: -gold(policy(x)), start, method="Nelder-Mead", options={"maxfev": LOOKS[scale]})
        arms[arm] = {"best gold": -float(found.fun), "last gold": -float(found.fun), "over": over(policy(found.x), scores, points)}
    return arms


def tilted(weights: Tensor, scores: Tensor, world: Exploitable) -> Tensor:
    """[C, A], reference exp(sum of weight_i score_i)."""
    return (world.reference().log() + (weights.view(-1, 1, 1) * scores).sum(0)).softmax(-1)


def multipliers(scores: Tensor, world: Exploitable, thresholds: Sequence[float], steps: int = 40) -> Tensor:
    """The weights at which each mean score is its threshold, by Newton's method on the convex dual; as far as steps of at most 1 go."""
    weights, wanted = torch.zeros(len(scores), dtype=torch.float64), torch.tensor(thresholds, dtype=torch.float64)
    for _ in range(steps):
        policy = tilted(weights, scores, world)
        mean = (policy * scores).sum(-1)  # [K, C]
        rest = scores - mean.unsqueeze(-1)
        covariance = torch.einsum("kca,lca,ca->kl", rest, rest, policy) / policy.shape[0]
        step = torch.linalg.solve(covariance + 1e-9 * torch.eye(len(scores), dtype=torch.float64), wanted - mean.mean(-1))
        weights = weights + step / max(1.0, float(step.abs().max()))
        if float(step.abs().max()) < 1e-9:
            break
    return weights


def over(policy: Tensor, scores: Tensor, points: Sequence[float]) -> float:
    """In deviations, the larger of the excesses."""
    return max(float((policy * score).sum(-1).mean()) - point for score, point in zip(scores, points, strict=True))
