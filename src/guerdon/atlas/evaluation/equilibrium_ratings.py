"""Equilibrium ratings: what copies of a prompt or a model do to the ratings of the others, by wins and at an equilibrium.

World: six models with three skills, N(0, 1), and twelve prompts that ask for one of them each; a model's score on a prompt is its skill and what it makes of this prompt,
N(0, 0.5^2), and it beats another with the sigmoid of twice the difference. Win rates are exact. A seed is two worlds. Then

* *prompts*: the prompt on which the best by wins does worst is sent in 20 times more;
* *models*: the model against which the best by wins does worst is sent in 5 times more;
* *near prompts*, *near models*: as those, each copy with scores that differ by N(0, 0.1^2);
* *skewed*: thirty prompts more, all different, that ask for the first skill.

Arms: "elo", Bradley-Terry by likelihood on all battles; "elo, copies merged", the same after exact copies are made one; "equilibrium, entropy", which aims at uniform play of all
actions; and "equilibrium", which aims at affinity-uniform play. Measured: *moved by* each of these, the largest change of the difference of two of the six, in standard deviations
of their ratings before; *turned by*, the share of their pairs whose order changes; and *worst skill* of the best rated where prompts are skewed.

Source: Liu et al. 2025, arXiv 2502.20170: the abstract, readers' notes, and the authors' code (polarix). There on arena-hard, and in simulations of models that improve
against the ratings, which is not tried here. Smallest differences of interest: a tenth of a standard deviation and 0.01 of the pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.evaluation.ratings.by_likelihood import ByLikelihood
from guerdon.evaluation.ratings.equilibrium import Equilibrium
from guerdon.exact.solvers.affinity_uniform import AffinityUniform
from guerdon.randomness import derive

system = System(
    title="Re-evaluating Open-ended Evaluation of Large Language Models",
    link="https://arxiv.org/abs/2502.20170",
    kind="evaluation",
    builds_on=("elo", "bradley-terry-ranking", "coarse-correlated-equilibrium", "maximum-entropy-selection"),
    read="code",
    untuned="the paper's setting, and ratings without settings",
    note=(
        "Copies of a prompt or a model leave equilibrium ratings be, and turn 0.39 and 0.04 of the pairs by wins; merging copies does as well. Near copies of prompts move the "
        "equilibrium too, a third as much as scores. Explored, and no part of the claim: near copies of a model move both alike (0.5, a difference of 0.04); the best rated where "
        "prompts are skewed has a worst skill that is 0.18 [0.00, 0.36] higher at the equilibrium; a wider kernel (variance 0.02) finds no near copies and loses the exact ones. "
        "The evidence was measured on a busy machine; one core takes about 40 seconds."
    ),
)


@dataclass(frozen=True)
class Uniform(AffinityUniform):
    """Every action alike, copies or not."""

    def __call__(self, payoff):
        return [torch.full((n,), 1 / n, dtype=torch.float64) for n in payoff.shape[1:]]


recipe = {
    "elo": ByLikelihood(),
    "equilibrium, entropy": Equilibrium(target=Uniform()),
    "equilibrium": Equilibrium(),
}
MODELS, PROMPTS, SKILLS, WORLDS = 6, 12, 3, 2
CHANGES = ("prompts", "models", "near prompts", "near models")
LESS = {"lower_is_better": True, "matched": "copies"}
claim = AllOf(
    *(EqualTo("equilibrium", 0.0, on=f"moved by {what}", tolerance=0.01, by_construction=True) for what in ("prompts", "models")),
    *(BetterThan("elo", 0.1, on=f"moved by {what}", effect=0.1) for what in ("prompts", "models")),
    *(BetterThan("elo", 0.0, on=f"turned by {what}", effect=0.01) for what in ("prompts", "models")),
    *(BetterThan("equilibrium", "equilibrium, entropy", on=f"moved by {what}", effect=0.1, **LESS) for what in ("prompts", "models")),
    BetterThan("equilibrium", "elo, copies merged", on="moved by near prompts", effect=0.1, **LESS),
)
SEEDS = {"smoke": 1, "full": 20}

Rate = Callable[[np.ndarray], np.ndarray]


def by_wins(score: np.ndarray) -> np.ndarray:
    """[M], of scores [P, M]: every pair on every prompt as often."""
    win = won(score).mean(0)
    return likeliest(win.tobytes(), len(win))


@lru_cache(maxsize=64)
def likeliest(win: bytes, models: int) -> np.ndarray:
    table = np.frombuffer(win).reshape(models, models)
    first, second = np.nonzero(~np.eye(models, dtype=bool))
    return recipe["elo"](first, second, table[first, second], models)


def merged(score: np.ndarray) -> np.ndarray:
    """The same of one of each kind; copies are rated as what they are copies of."""
    _, prompts = np.unique(score, axis=0, return_index=True)
    _, models, which = np.unique(score, axis=1, return_index=True, return_inverse=True)
    return by_wins(score[np.sort(prompts)][:, models])[which]


def won(score: np.ndarray) -> np.ndarray:
    """[P, M, M]."""
    return 1 / (1 + np.exp(-2 * (score[:, :, None] - score[:, None])))


RATES: dict[str, Rate] = {
    "elo": by_wins,
    "elo, copies merged": merged,
    **{name: lambda score, game=game: game.of(won(score))["rating"] for name, game in recipe.items() if isinstance(game, Equilibrium)},
}


def experiment(seed: int, scale: str) -> dict:
    worlds = [World(derive(seed, "world", i)) for i in range(1 if scale == "smoke" else WORLDS)]
    return {arm: means([world.measured(rate) for world in worlds]) for arm, rate in RATES.items()}


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


class World:
    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.skill = random.normal(size=(SKILLS, MODELS))
        self.score = self.skill[np.arange(PROMPTS) % SKILLS] + 0.5 * random.normal(size=(PROMPTS, MODELS))
        best = by_wins(self.score).argmax()
        prompt = (self.score[:, best] - self.score.mean(1)).argmin()
        rival = won(self.score).mean(0)[:, best]
        rival[best] = -1.0
        prompts, models = np.repeat(self.score[[prompt]], 20, 0), np.repeat(self.score[:, [rival.argmax()]], 5, 1)
        self.changed = {
            "prompts": np.vstack([self.score, prompts]),
            "models": np.hstack([self.score, models]),
            "near prompts": np.vstack([self.score, prompts + 0.1 * random.normal(size=prompts.shape)]),
            "near models": np.hstack([self.score, models + 0.1 * random.normal(size=models.shape)]),
        }
        self.skewed = np.vstack([self.score, self.skill[0] + 0.5 * random.normal(size=(30, MODELS))])

    def measured(self, rate: Rate) -> dict[str, float]:
        before = rate(self.score)
        found = {"worst skill": float(self.skill[:, rate(self.skewed).argmax()].min())}
        gap = before[:, None] - before
        for what in CHANGES:
            after = rate(self.changed[what])[:MODELS]
            now = after[:, None] - after
            found[f"moved by {what}"] = float(abs(now - gap).max() / before.std())
            turned = (now * gap < 0) & (np.minimum(abs(now), abs(gap)) > 1e-4)
            found[f"turned by {what}"] = float(turned.sum() / (MODELS * (MODELS - 1)))
        return found
