"""PCRM: a bound on how far ahead a preferred answer may be, lower for answers that are alike, keeps rewards from growing; does it make them better?

World: answers with four qualities whose worth bends at 1.5 and two marks that say nothing (``worlds.finite.exploitable``, 192 answers to each of 8
contexts); 400 comparisons of the reference's answers by people who are four times as decided as a unit of worth, so that margins want to grow.
Rewards are linear heads on 64 random features, fitted by Adam. What a reward asks for at each KL is its exponential tilt, exactly: the size of a
reward does not matter to that, only its shape. A seed is another world and all draws of it.

Arms: "BT" (its ridge tuned); "PCRM": the bound by the cosine of the two answers' vectors, its scale tuned; "fixed bound": the same for every pair,
tuned alike, which tells whether similarity matters. Both with a ridge of 0.001. All are tuned by the mean of gold over the budgets.

Measured: "size": the deviation of the score under the reference; "margins": the correlation of score differences with those of gold over pairs of the
reference, exactly (a correlation under the reference within contexts); "accuracy" by gold; "gold" at each KL.

Source: Zhou et al. 2024, arXiv 2404.00978, its beginning, and its authors' code (github.com/wangclnlp/DeepSpeed-Chat-Extension, branch PCRM). There
Llama on dialogue and summaries, PPO; length ratio, and cosines of a sentence encoder. Chosen here: the world and its sizes; the length ratio is not
tried. The smallest differences of interest: 0.05 of gold, 0.02 of the correlation.
"""

import math

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._marks import learned
from guerdon.atlas.reward_robustness._proxies import BRADLEY_TERRY, accuracy, scores, tilted
from guerdon.losses.comparisons.bounded_logistic import BoundedLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.training.recipe import Term
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Prior Constraints-based Reward Model Training for Aligning Large Language Models",
    link="https://arxiv.org/abs/2404.00978",
    kind="reward",
    builds_on=("bradley-terry", "bounded-logistic", "exponential-tilt"),
    read="code",
    note=(
        "The bound keeps rewards small (a deviation of 0.06, 2.18 without) and is ahead of Bradley-Terry in gold at equal KL by 0.08; the same bound for every pair does "
        "as well to 0.01, so that what helps here is the bound and not the similarity, and margins follow true differences no better than before."
    ),
)
SIMILARITY = "similarity"


def bounded(scale: float) -> tuple[Term, ...]:
    return (Term(Pairwise(Head(), BoundedLogistic(scale, by=SIMILARITY))),)


recipe = {"PCRM": bounded(6.0)}
GRID = {
    "BT": {"ridge": (0.003, 0.01, 0.03)},
    "fixed bound": {"bound": (1.0, 2.0, 4.0)},
    "PCRM": {"bound": (1.0, 2.0, 4.0)},
}
TUNED_BY = "mean gold"
claim = AllOf(
    BetterThan("PCRM", "BT", on="size", lower_is_better=True, effect=0.1, matched="comparisons"),
    BetterThan("PCRM", "BT", on="margins", effect=0.02, matched="comparisons"),
    BetterThan("PCRM", "fixed bound", on="margins", effect=0.02, matched="comparisons"),
    AheadAlong("PCRM", "BT", on="gold", along="KL", effect=0.05),
    AheadAlong("PCRM", "fixed bound", on="gold", along="KL", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}


def trial(arm: str, seed: int, scale: str, ridge: float = 0.001, bound: float = 0.0) -> dict:
    smoke = scale == "smoke"
    world = Exploitable(rationality=4.0, answers=64 if smoke else 192, seed=seed)
    verdicts = world.comparisons(100 if smoke else 400, seed)
    alike = similarity(world.features(), verdicts) if arm == "PCRM" else torch.ones(len(verdicts), dtype=torch.float64)
    terms = bounded(bound) if bound else BRADLEY_TERRY
    proxy = scores(learned(world, verdicts, seed, terms=terms, pairs={SIMILARITY: alike}, ridge=ridge, steps=20 if smoke else 150), world)
    found = tilted(proxy, world, (0.5, 2.0) if smoke else (0.5, 1.0, 2.0, 3.0)).numbers(world, proxy)
    likely, gold = world.reference(), world.rewards()
    centred = gold - (likely * gold).sum(-1, keepdim=True)
    spread = [float((likely * value.square()).sum(-1).mean().sqrt()) for value in (proxy, centred)]
    return found | {
        "size": spread[0],
        "margins": float((likely * proxy * centred).sum(-1).mean()) / (spread[0] * spread[1]),
        "mean gold": sum(found["gold"].values()) / len(found["gold"]),
        "accuracy": accuracy(proxy, world),
    }


def similarity(vectors: Tensor, verdicts: Tensor) -> Tensor:
    """[n], 1 for the same direction, a half for a right angle and beyond."""
    cosine = torch.cosine_similarity(vectors[verdicts[:, 1]], vectors[verdicts[:, 2]], dim=-1).clamp(0.0, 1.0)
    return (math.pi - cosine.arccos()) / math.pi
