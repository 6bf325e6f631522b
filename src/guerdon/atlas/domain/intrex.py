"""IntrEx: people agree better on how interesting a segment is when they compare it than when they rate it by itself, and a small regressor learns it.

World: 300 segments of dialogues with an interest, N(0, 1), 0.8 of whose variance is linear in eight known features. Ten raters. What a rater sees at a look is the interest,
the rater's own taste of it, N(0, 0.5^2), and noise, N(0, 0.5^2). On a scale from 1 to 5 a rater has a middle, N(0, 0.7^2), and a width, exp N(0, 0.4^2). A seed is another world.

* "absolute": each rater gives one of five grades, by their own scale; "absolute, two looks": by the mean of two looks;
* "comparison": the segment is compared with anchors, whose interests are -1.2, -0.4, 0.4 and 1.2 and whose order everybody is told: with an inner one, with the other where that
  leaves it open, and with an outer one; two or three looks, and a grade that is one more than the anchors it is above;
* "absolute, standardised": grades from two looks, each rater's less their mean and by their deviation, which needs all of their grades at once.

Measured: *agreement*, Krippendorff's alpha with interval distances; *label*, the correlation of the mean grade with interest; *regressor*, the rank correlation, on 100 segments,
of a ridge regression of the mean grades of five raters on 150 others (the ridge chosen by 50 more) with the mean grade that the other five give; *regressor to interest*, with
interest; and "untuned", the best single feature as 20 labelled segments tell it.

Source: Tan et al. 2025, arXiv 2509.06652, its abstract and readers' notes: 100 learners compare a segment with alternatives to it; agreement is better so, and tuned models of 7B
are ahead of GPT-4o. There a segment is compared with rewritten ones; anchors for all are a choice here. Smallest differences of interest: 0.05 of agreement, 0.02 of correlation.
"""

import numpy as np

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.evaluation.distances.interval import Interval
from guerdon.evaluation.metrics.krippendorff_alpha import KrippendorffAlpha
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.randomness import derive

system = System(
    title="IntrEx: A Dataset for Modeling Engagement in Educational Conversations",
    link="https://arxiv.org/abs/2509.06652",
    kind="data",
    builds_on=("preference-annotation", "rating-aggregation", "reward-regression"),
    read="abstract",
    untuned="ways to ask, and a ridge that is chosen on labelled segments of its own",
    note=(
        "People agree more who compare with anchors, 0.63 for 0.47 at as many looks, since a scale of one's own is no part of it. It is all that is won: grades that are "
        "standardised rater by rater agree as well, and the mean grades of all three tell interest alike (0.96), as do regressors that learn from them. Either regressor "
        "is far ahead of what is not tuned."
    ),
)
recipe = {"agreement": KrippendorffAlpha(distance=Interval()), "rank correlation": RankCorrelation()}
SEGMENTS, RATERS, FEATURES, ANCHORS = 300, 10, 8, np.array([-1.2, -0.4, 0.4, 1.2])
TOLD, CHOSEN, RIDGES = 150, 50, (0.1, 1.0, 10.0, 100.0)
claim = AllOf(
    BetterThan("comparison", "absolute", on="agreement", effect=0.05, matched="raters"),
    BetterThan("comparison", "absolute, two looks", on="agreement", effect=0.05, matched="looks, to one"),
    BetterThan("comparison", "absolute, standardised", on="agreement", effect=0.05, matched="looks, to one"),
    BetterThan("comparison", "absolute, two looks", on="label", effect=0.02, matched="looks, to one"),
    *(BetterThan(arm, "untuned", on="regressor", effect=0.02) for arm in ("absolute", "comparison")),
    BetterThan("comparison", "absolute, two looks", on="regressor to interest", effect=0.02, matched="looks, to one"),
)
SEEDS = {"smoke": 1, "full": 30}


class World:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(derive(seed, "world"))
        self.feature = self.random.normal(size=(SEGMENTS, FEATURES))
        told = self.feature @ self.random.normal(size=FEATURES)
        interest = np.sqrt(0.8) * told / told.std() + np.sqrt(0.2) * self.random.normal(size=SEGMENTS)
        self.interest = (interest - interest.mean()) / interest.std()
        self.seen = self.interest + 0.5 * self.random.normal(size=(RATERS, SEGMENTS))
        self.middle, self.width = 0.7 * self.random.normal(size=(RATERS, 1)), np.exp(0.4 * self.random.normal(size=(RATERS, 1)))

    def look(self, looks: int = 1) -> np.ndarray:
        """[R, N]: what each rater sees, on average over so many looks."""
        return self.seen + 0.5 / np.sqrt(looks) * self.random.normal(size=self.seen.shape)

    def absolute(self, looks: int) -> np.ndarray:
        own = (self.look(looks) - self.middle) / self.width
        return 1 + (own[..., None] > ANCHORS).sum(-1)

    def comparison(self) -> np.ndarray:
        """By bisection: a second inner anchor is asked only where the first left it open."""
        above = self.look() > ANCHORS[2]
        inner = above | (self.look() > ANCHORS[1])
        top, bottom = above & (self.look() > ANCHORS[3]), ~inner & (self.look() <= ANCHORS[0])
        return 3 + above + top - ~inner - bottom


def standardised(grade: np.ndarray) -> np.ndarray:
    return (grade - grade.mean(1, keepdims=True)) / np.maximum(grade.std(1, keepdims=True), 1e-9)


def experiment(seed: int, scale: str) -> dict:
    world = World(seed)
    grades = {
        "absolute": world.absolute(1),
        "absolute, two looks": world.absolute(2),
        "absolute, standardised": standardised(world.absolute(2)),
        "comparison": world.comparison(),
    }
    found = {arm: measured(world, grade) for arm, grade in grades.items()}
    held = grades["comparison"][RATERS // 2 :].mean(0)
    few = np.corrcoef(world.feature[:20].T, held[:20])[-1, :-1]
    best = abs(few).argmax()
    said = np.sign(few[best]) * world.feature[TOLD + CHOSEN :, best]
    found["untuned"] = {"regressor": float(recipe["rank correlation"](said, held[TOLD + CHOSEN :]))}
    return found


def measured(world: World, grade: np.ndarray) -> dict[str, float]:
    told, held = grade[: RATERS // 2].mean(0), grade[RATERS // 2 :].mean(0)
    first, chosen, last = slice(TOLD), slice(TOLD, TOLD + CHOSEN), slice(TOLD + CHOSEN, None)
    x, y = world.feature, told - told[first].mean()
    weights = [np.linalg.solve(x[first].T @ x[first] + ridge * np.eye(FEATURES), x[first].T @ y[first]) for ridge in RIDGES]
    said = x @ min(weights, key=lambda w: float(((x[chosen] @ w - y[chosen]) ** 2).mean()))
    correlation = recipe["rank correlation"]
    return {
        "agreement": float(recipe["agreement"](grade)),
        "label": float(np.corrcoef(grade.mean(0), world.interest)[0, 1]),
        "regressor": float(correlation(said[last], held[last])),
        "regressor to interest": float(correlation(said[last], world.interest[last])),
    }
