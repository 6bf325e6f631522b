"""Uncertainty-aware RLHF: a KL that is heavier where an ensemble of reward models disagrees makes what comes out less of a gamble.

World: ``exploitable`` with 4 contexts of 256 answers. Eight times, 300 comparisons are made, and ten reward models (``_networks``, bodies pretrained apart) are fitted to them:
eight draws of an ensemble. A seed is another world and other draws.

Arms, all of which pursue the mean of an ensemble's scores: "KL": E[mean] - beta KL; "variance-weighted": each answer's log-ratio weighed by the variance among the ten in the
objective, whose optimum is exact; "by the variance": the policy ~ reference exp(mean / (beta variance)), which is what one gets when the weight is taken out of the sum as if
it were one number. The betas are those that cost the same (plain) KL, 0.5 to 4 nats, one for all contexts of a draw. The weighted objective is no divergence: at any beta its
optimum has left the reference for answers that all members agree about; where that costs more than the price already, that is taken.

Measured, exact, along "KL": "gold"; "variance": of the gold of a context among the eight draws, the mean over contexts; "below": how often, over draws and contexts, gold is
below that of the reference; "uncertainty": the mean standard deviation among the ten of what the policy says. "best gold" is over beta. The paper claims less variance and less
risk of falling below the reference; that it costs no gold is ours, for a method that merely does less would have the first two.

Source: Banerjee and Gopalan 2024, arXiv 2410.23726, of which the abstract and descriptions were read. There ten reward models on Gemma-2B-it, and PPO. The smallest difference
of interest: 0.005 of the variance, 0.01 of a share, 0.02 of gold.
"""

import math
from statistics import fmean

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, NoWorseThan, System
from guerdon.atlas.reward_robustness._networks import pretrained, scored, tuned
from guerdon.atlas.reward_robustness._pursuit import LOGS, at_kl, distance, pursued
from guerdon.exact.solvers.weighted_kl_optimum import WeightedKLOptimum
from guerdon.randomness import derive
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Towards Reliable Alignment: Uncertainty-aware RLHF",
    link="https://arxiv.org/abs/2410.23726",
    kind="method",
    builds_on=("weighted-kl-optimum", "kl-regularised-optimum", "bradley-terry"),
    read="abstract",
    untuned="exact optima along the weight of the penalty",
    note=(
        "The other way round here: at equal KL the weighted objective adds 0.05 to the variance of gold between draws (KL: 0.03) and loses 0.13 of gold, because which answers "
        "ten models agree about is itself a draw, and its optimum moves there without any reward; tilting by the variance is worse. Hardly any policy falls below the reference."
    ),
)
recipe = {"variance-weighted": WeightedKLOptimum()}
MEMBERS, DRAWS, COMPARISONS = 10, 8, 300
KLS = {"smoke": (1.0, 2.0), "full": (0.5, 1.0, 2.0, 3.0, 4.0)}
ARMS = ("KL", "variance-weighted", "by the variance")
claim = AllOf(
    *(
        leaf
        for arm in ARMS[1:]
        for leaf in (
            AheadAlong(arm, "KL", on="variance", along="KL", lower_is_better=True, effect=0.005),
            AheadAlong(arm, "KL", on="below", along="KL", lower_is_better=True, effect=0.01),
            AheadAlong(arm, "KL", on="gold", along="KL", by=-0.02),
            NoWorseThan(arm, "KL", on="best gold", margin=0.02, matched="the best beta of each"),
        )
    ),
)
SEEDS = {"smoke": 1, "full": 10}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = Exploitable(contexts=4, answers=256, seed=seed)
    reference, gold = world.reference(), world.rewards()
    start = (reference * gold).sum(-1)
    worth, spread, price = ({arm: [] for arm in ARMS} for _ in range(3))
    for draw in range(2 if small else DRAWS):
        scores = ensemble(world, derive(seed, "draw", draw), small)
        mean, variance = scores.mean(0), scores.var(0, unbiased=False)

        def weighted(beta: float, mean: Tensor = mean, variance: Tensor = variance) -> Tensor:
            return WeightedKLOptimum(beta)(mean, reference, variance)["policy"]

        least = float(distance(weighted(math.exp(LOGS[1])), reference).mean())
        curves = (
            pursued(mean, world, KLS[scale]),
            at_kl(weighted, world, [max(budget, 1.001 * least) for budget in KLS[scale]]),
            pursued(mean / variance, world, KLS[scale]),
        )
        for arm, bought in zip(ARMS, curves, strict=True):
            policies = torch.stack(list(bought.policies))  # [X, C, A]
            price[arm].append(distance(policies, reference).mean(-1))
            worth[arm].append((policies * gold).sum(-1))
            spread[arm].append((policies * variance.sqrt()).sum(-1).mean(-1))
    arms = {}
    for arm in ARMS:
        golds, unsure = torch.stack(worth[arm]), torch.stack(spread[arm]).mean(0)  # [draws, X, C], [X]
        curves = {
            "gold": golds.mean((0, 2)),
            "variance": golds.var(0).mean(-1),
            "below": (golds < start).double().mean((0, 2)),
            "uncertainty": unsure,
            "KL": torch.stack(price[arm]).mean(0),
        }
        arms[arm] = {name: dict(zip(KLS[scale], curve.tolist(), strict=True)) for name, curve in curves.items()}
        arms[arm]["best gold"] = fmean(golds.mean(-1).amax(-1).tolist())
    return arms


def ensemble(world: Exploitable, seed: int, small: bool) -> Tensor:
    """[E, C, A]"""
    members = [derive(seed, i) for i in range(3 if small else MEMBERS)]
    bodies = pretrained(world, members, 10 if small else 60)
    return scored(tuned(world, bodies, world.comparisons(64 if small else COMPARISONS, seed), members), world)
