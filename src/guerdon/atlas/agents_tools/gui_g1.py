"""GUI-G1: boxes grow or shrink with what they are rewarded for; a term for their size holds them, and small targets count for more.

World, on numbers in place of screens: targets of 1, 2, 4 and 8 in width and height on a screen of 32. A model points at a box of a size that it chooses, an eighth to eight
times the target's in steps of a quarter of an octave; the middle is off by N(0, (0.5 + 0.2 size)^2) in both directions: the more is drawn, the less exactly. A policy is the
size that is best on average, exactly, over a grid of normal errors.

Arms, by reward (``box_match``): "hit", "overlap", "hit and overlap", and "all", with the size; each has a size for every target. "octaves" is log2 of what is chosen over the
target's size, on average over targets. Besides, a model with one size, in pixels, for all targets: "evenly" is best for the sum over targets by "all", "by difficulty" weighs
each by the inverse of its area. "small" is the chance to hit the smallest, "hits" of all.

The smallest differences of interest: 0.1 octaves, 0.02 of a chance.

Source: Zhou et al. 2025, arXiv 2505.15810, abstract; the authors' repository holds no training code. Chosen here: the world, the form of the size term, and weights that are
inverse areas. Templates, lengths and the models themselves wait for images."""

import math
from functools import lru_cache

import torch

from guerdon.atlas import AllOf, BetterThan, EqualTo, NoWorseThan, System
from guerdon.feedback.rewards.box_match import BoxMatch

system = System(
    title="GUI-G1: Understanding R1-Zero-Like Training for Visual Grounding in GUI Agents",
    link="https://arxiv.org/abs/2505.15810",
    kind="application",
    builds_on=("box-match",),
    exact=True,
    read="abstract",
    untuned="exact optima",
    waits_for="images, and models that read them",
    note=(
        "Paid for its hits alone a box shrinks to the smallest that there is, since the error of its middle was made to grow with it. Paid for overlap it does "
        "not grow here (0.06 octaves); with the hits beside it shrinks by 0.75, and the size holds it. Weights by difficulty hit the smallest more often (0.09) "
        "and, here, all together too, with one size for all targets."
    ),
)
TARGETS, POINTS = (1.0, 2.0, 4.0, 8.0), 21
recipe = {
    "hit": BoxMatch(overlap=0.0, size=0.0),
    "overlap": BoxMatch(hit=0.0, size=0.0),
    "hit and overlap": BoxMatch(size=0.0),
    "all": BoxMatch(),
}
claim = AllOf(
    BetterThan("hit", 0.0, on="octaves", lower_is_better=True, effect=0.1, by_construction=True),
    BetterThan("overlap", 0.0, on="octaves", effect=0.1),
    EqualTo("all", 0.0, on="octaves", tolerance=0.1),
    BetterThan("by difficulty", "evenly", on="small", effect=0.02),
    NoWorseThan("by difficulty", "evenly", on="hits", margin=0.02),
)
SEEDS = {"smoke": 1, "full": 1}


@lru_cache(maxsize=256)
def expected(reward: BoxMatch, target: float, size: float) -> float:
    """The mean reward of a box of this size, over errors of its middle."""
    meant = (16 - target / 2, 16 - target / 2, 16 + target / 2, 16 + target / 2)
    quantiles = torch.special.ndtri((torch.arange(POINTS, dtype=torch.float64) + 0.5) / POINTS).tolist()
    off = [(0.5 + 0.2 * size) * z for z in quantiles]
    total = 0.0
    for x in off:
        for y in off:
            said = (16 + x - size / 2, 16 + y - size / 2, 16 + x + size / 2, 16 + y + size / 2)
            total += reward.worth(said, meant)
    return total / POINTS**2


def experiment(seed: int, scale: str) -> dict:
    steps = [i / 4 for i in range(-12, 13)]
    arms: dict[str, dict[str, float]] = {}
    for name, reward in recipe.items():
        chosen = [max(steps, key=lambda o, t=target, r=reward: expected(r, t, t * 2**o)) for target in TARGETS]
        arms[name] = {"octaves": sum(chosen) / len(chosen)}
    sizes = [2**o for o in steps]
    for name, power in (("evenly", 0), ("by difficulty", -2)):
        best = max(sizes, key=lambda s, p=power: sum(t**p * expected(recipe["all"], t, s) for t in TARGETS))
        hits = [expected(recipe["hit"], target, best) for target in TARGETS]
        arms[name] = {"small": hits[0], "hits": sum(hits) / len(hits), "octaves": math.log2(best)}
    return arms
