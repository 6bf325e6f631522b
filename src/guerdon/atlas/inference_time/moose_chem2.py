"""MOOSE-Chem2: an idea is worked out from the broad to the fine, at each level by a climb with a judge who compares two; and who should judge: one, the same three times, or three.

World: landscapes of four levels with four places of four options each (``worlds.finite.landscape``). A judge sees gold with an error that is a landscape too, half of whose
variance all judges share, and compares two points with noise, P(first) = sigmoid(4 * what it sees as the difference, in standard deviations). The strongest of three judges has an
error of 0.6 standard deviations, the others of 0.8. Every search may ask judges 1,200 times. A proposal makes one choice of a level anew, or all where there is none yet. A seed is
24 landscapes with their judges.

Arms, the patience of each tuned by gold: "greedy", which changes anything, and begins no more than once; "greedy, restarts", three climbs, the best of whose ends is recombined
(``coarse_to_fine`` with one level); "coarse to fine", the same at each of four levels; all of these with the strongest judge. And coarse to fine with "repeated", the majority of
the strongest asked three times, "diverse", the majority of the three judges, both at three questions a comparison; and "a third", one question to the strongest and 400 in all, as
many comparisons as those.

* "gold": what the point that is found is worth, and "judged": what the strongest judge sees in it, without noise.

Source: Yang et al. 2025, arXiv 2505.19209, abstract and summaries, and the authors' code (``hierarchy_greedy.py``, ``pairwise_compare.py``). It asks whether a diverse ensemble is
better than the strongest three times; a summary says that it found the latter ahead, and the same three times ahead of once. There models write hypotheses of chemistry at five
levels, and nothing is said of equal numbers of questions. Chosen here: the world. The smallest difference of interest: 0.1 standard deviations.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from guerdon.acting.climbs import Climb
from guerdon.acting.climbs.coarse_to_fine import CoarseToFine
from guerdon.acting.climbs.greedy import Greedy
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.randomness import derive
from guerdon.worlds.finite.landscape import Landscape, Point

system = System(
    title="MOOSE-Chem2: Exploring LLM Limits in Fine-Grained Scientific Hypothesis Discovery via Hierarchical Search",
    link="https://arxiv.org/abs/2505.19209",
    kind="method",
    builds_on=("coarse-to-fine", "greedy", "landscape"),
    read="code",
    note=(
        "From the broad to the fine finds more with as many questions, by 0.21 standard deviations than restarts and 0.41 than one climb, also in the judge's own eyes. The "
        "strongest judge three times is ahead of three judges, by 0.07, less than was called of interest; another share of common errors would say otherwise. Asking three times "
        "gains 0.41 at as many comparisons, and nothing, to 0.1, at as many questions: that leaf, which the paper does not claim, makes the whole 'equal'."
    ),
)
LEVELS, STARTS, ERRORS, SHARED, RATIONALITY = 4, 3, (0.6, 0.8, 0.8), 0.5, 4.0
BUDGET = 1200


@dataclass(frozen=True)
class Arm:
    climb: Callable[[int], Climb]  # of a patience
    panel: tuple[int, ...] = (0,)  # who is asked in each comparison
    budget: int = BUDGET


def hierarchical(patience: int) -> Climb:
    return CoarseToFine(levels=LEVELS, starts=STARTS, patience=patience, recombinations=2, compared=3)


def flat(patience: int) -> Climb:
    return CoarseToFine(levels=1, starts=STARTS, patience=patience, recombinations=2, compared=3)


ARMS = {
    "greedy": Arm(Greedy),
    "greedy, restarts": Arm(flat),
    "coarse to fine": Arm(hierarchical),
    "repeated": Arm(hierarchical, (0, 0, 0)),
    "diverse": Arm(hierarchical, (0, 1, 2)),
    "a third": Arm(hierarchical, budget=BUDGET // 3),
}
recipe = {"coarse to fine": hierarchical(10), "greedy, restarts": flat(10), "greedy": Greedy(10)}
GRID = {arm: {"patience": (5, 10, 20, 40)} for arm in ARMS}
TUNED_BY = "gold"
SEEDS = {"smoke": 1, "full": 40, "tune": 3}
claim = AllOf(
    BetterThan("coarse to fine", "greedy", on="gold", effect=0.1, matched="questions"),
    BetterThan("coarse to fine", "greedy, restarts", on="gold", effect=0.1, matched="questions"),
    BetterThan("coarse to fine", "greedy, restarts", on="judged", effect=0.1, matched="questions"),
    BetterThan("repeated", "diverse", on="gold", effect=0.1, matched="questions, comparisons"),
    BetterThan("repeated", "a third", on="gold", effect=0.1, matched="comparisons"),
    BetterThan("repeated", "coarse to fine", on="gold", effect=0.1, matched="questions"),
)


class Judges:
    """Three judges of one landscape."""

    def __init__(self, seed: int) -> None:
        self.gold, self.common, *self.own = (Landscape(levels=LEVELS, seed=derive(seed, k)) for k in range(2 + len(ERRORS)))

        self.seen = lru_cache(maxsize=4096)(self._seen)

    def _seen(self, point: Point) -> tuple[float, ...]:
        """What each judge sees, without noise."""
        gold, common = self.gold.worth(point), SHARED**0.5 * self.common.worth(point)
        return tuple(gold + error * (common + (1 - SHARED) ** 0.5 * own.worth(point)) for error, own in zip(ERRORS, self.own, strict=True))

    def prefer(self, panel: tuple[int, ...], draw: random.Random) -> Callable[[Point, Point], bool]:
        """The majority of the panel."""

        def prefer(first: Point, second: Point) -> bool:
            one, other = self.seen(first), self.seen(second)
            votes = sum(draw.random() < 1 / (1 + math.exp(-RATIONALITY * (one[who] - other[who]))) for who in panel)
            return 2 * votes > len(panel)

        return prefer


def trial(arm: str, seed: int, scale: str, patience: int) -> dict[str, float]:
    how, many = ARMS[arm], 2 if scale == "smoke" else 24
    found = []
    for number in range(many):
        judges, draw = Judges(derive(seed, "landscape", number)), random.Random(derive(seed, arm, number))
        gold = judges.gold

        def propose(point: Point, level: int | None, others: list[Point], gold: Landscape = gold, draw: random.Random = draw) -> Point:
            return gold.recombined(others, level, point, draw) if others else gold.changed(point, level, draw)

        point = how.climb(patience)(gold.nothing, propose, judges.prefer(how.panel, draw), how.budget // len(how.panel))
        found.append((gold.worth(point), judges.seen(point)[0]))
    return {name: sum(values) / many for name, values in zip(("gold", "judged"), zip(*found, strict=True), strict=True)}
