"""Draws: where they come from easy questions, ratings that skip them foretell the next battle better, draws included.

World: 20 models with skills N(0, 1.5^2) and 10,000 battles of two drawn at random, each on a question of its own. In the world of *easy* questions a model can answer with
sigmoid(skill - difficulty), difficulty N(-1, 1). Where both can or neither can, six of ten are draws; so is no other. Given that it is no draw, the first wins with the sigmoid of
the difference of skills, exactly: a draw tells of the question, and but a little of the two. In the world of *close* models draws are Davidson's: as many, and likelier the nearer
two are. A seed is another world; about 4 of 10 are draws, as in arenas (where all of those that both can or neither can were draws, 7 of 10 were,
and to say draw was best for everybody).

Arms: four ways to update ratings (``evaluation.rating_updates``), each as it is and skipping draws; and Elo both ways in the world of close models. Before each battle its
outcome is foretold: a draw where the chance of the first is within a margin of 1/2, else the likelier. *accuracy*: the share of outcomes, of three, foretold after the first
1,000; *accuracy at 0.1*: the same at that margin, which is the authors'. How fast ratings move, and the margin, are tuned for every arm.

Source: Tang et al. 2025, arXiv 2510.02306: the abstract and the authors' code (``elo.py``, ``glicko2.py``, ``online_bt.py``, ``trueskill.py``), whose margin of Elo this is
for all. There LMArena, SearchArena and VisionArena: 1 to 3 % more accuracy, relatively, for all four. A half percent of all battles, about 1 % relatively, is the smallest
difference of interest.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.evaluation.rating_updates import RatingUpdate
from guerdon.evaluation.rating_updates.elo import Elo
from guerdon.evaluation.rating_updates.glicko2 import Glicko2
from guerdon.evaluation.rating_updates.gradient_step import GradientStep
from guerdon.evaluation.rating_updates.skipping_draws import SkippingDraws
from guerdon.evaluation.rating_updates.true_skill import TrueSkill
from guerdon.evaluation.ratings.in_order import InOrder
from guerdon.randomness import derive

system = System(
    title="Drawing Conclusions from Draws: Rethinking Preference Semantics in Arena-Style LLM Evaluation",
    link="https://arxiv.org/abs/2510.02306",
    kind="evaluation",
    builds_on=("elo", "glicko2", "trueskill"),
    read="code",
    note=(
        "With the margin and the pace tuned for each, nothing is won by skipping draws: two of the four are equal and two lose, Elo 0.3 and TrueSkill 0.9 points of 53. Wherever "
        "answers are right or wrong, close models draw more often on any question, so a draw tells something of the two; and what it shortens, a narrower margin mends. At the "
        "authors' margin of 0.1 for all, online Bradley-Terry gains 1.6 points by it, and the others nothing. The evidence was measured on a busy machine; one core "
        "takes about 20 seconds."
    ),
)
MODELS, BATTLES, BEFORE, SPREAD, DRAWN = 20, 10_000, 1_000, 1.5, 0.6
UPDATES: dict[str, tuple[Callable[[float], RatingUpdate], tuple[float, ...]]] = {
    "elo": (lambda pace: Elo(k=pace), (2.0, 8.0, 32.0)),
    "bradley-terry": (lambda pace: GradientStep(rate=pace), (0.01, 0.04, 0.16)),
    "glicko-2": (lambda pace: Glicko2(volatility=pace), (0.001, 0.01, 0.1)),
    "trueskill": (lambda pace: TrueSkill(drift=pace), (0.01, 0.1, 1.0)),
}
PLACES = {**{name: (name, "easy") for name in UPDATES}, "elo, close": ("elo", "close")}
ARMS = {name + suffix: (*place, bool(suffix)) for name, place in PLACES.items() for suffix in ("", ", skipping")}
recipe = {"elo": InOrder(), "elo, skipping": InOrder(SkippingDraws())}
GRID = {arm: {"pace": Knob(UPDATES[ARMS[arm][0]][1], least=0.0), "margin": Knob((0.04, 0.08, 0.16), least=0.0, most=0.5)} for arm in ARMS}
TUNED_BY = "accuracy"
SEEDS = {"smoke": 1, "full": 20, "tune": 3}
claim = AllOf(*(BetterThan(f"{name}, skipping", name, on="accuracy", effect=0.005, matched="battles") for name in UPDATES))


def trial(arm: str, seed: int, scale: str, pace: float, margin: float) -> dict[str, float]:
    name, place, skips = ARMS[arm]
    first, second, outcome = drawn(seed, place, 200 + BEFORE if scale == "smoke" else BATTLES)
    update = UPDATES[name][0](pace)
    chance, _ = InOrder(SkippingDraws(update) if skips else update).foretold(first, second, outcome, MODELS)

    def accuracy(margin: float) -> float:
        said = np.where(abs(chance - 0.5) < margin, 0.5, chance > 0.5)
        return float((said == outcome)[BEFORE:].mean())

    return {"accuracy": accuracy(margin), "accuracy at 0.1": accuracy(0.1), "draws": float((outcome == 0.5).mean())}


@lru_cache(maxsize=8)
def drawn(seed: int, place: str, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Battles: two models and who won."""
    random = np.random.default_rng(derive(seed, "draws"))
    skill = SPREAD * random.normal(size=MODELS)
    first = random.integers(MODELS, size=number)
    second = (first + random.integers(1, MODELS, size=number)) % MODELS
    lead = skill[first] - skill[second]
    able = 1 / (1 + np.exp(random.normal(-1, 1, number) - skill[np.stack([first, second])])) > random.random((2, number))
    draw = (able[0] == able[1]) & (random.random(number) < DRAWN)
    won = np.where(able[0] == able[1], 1 / (1 + np.exp(-lead)) > random.random(number), able[0])
    easy = np.where(draw, 0.5, won)
    if place == "easy":
        return first, second, easy
    win, lose = np.exp(lead / 2), np.exp(-lead / 2)
    tie = davidson(win + lose, float((easy == 0.5).mean()))
    where = random.random(number) * (win + lose + tie)
    return first, second, np.where(where < tie, 0.5, where < tie + win)


def davidson(decided: np.ndarray, share: float) -> float:
    """The parameter at which that share are draws."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (middle / (decided + middle)).mean() < share else (low, middle)
    return low
