"""MoDoMoDo: pilot runs at a few mixtures of data say which mixture to train on.

World: 20 problems of four kinds in five levels (``worlds.finite.ladder``), and a policy of tables that shares what it learns between problems of a kind, so that
practice at one level helps at the others, unequally. The data sets are three: levels 1 and 2, level 3, levels 4 and 5. A mixture is the share of each in 60 places, which GRPO goes
through ten at a time, 24 steps of eight answers. A seed is another set of solutions, and other policies in pilots and in the run that counts.

Pilots: one run at each corner, each middle between two and at the middle of all, seven in all. To their accuracy over all problems a quadratic in the mixture is
fitted (least squares, ridge 0.001), and its best on a grid of twentieths is the mixture of the run that counts. Arms there: "uniform" (a third each), "by size" (two, one, two
fifths), "best pilot", which looks at no quadratic, and "predicted". The last two have seen seven runs more; among themselves they have seen the same.

Tuned: the learning rate, by accuracy at the end; pilots have that of their arm. Measured by sums over all answers: accuracy at the end, and over the five
mixtures (2/3, 1/6, 1/6), its turns, (1/2, 1/4, 1/4) and (1/4, 1/4, 1/2), the correlation of what was predicted with what came. 0.03 of accuracy and 0.1 of
correlation are the smallest differences of interest.

Source: Liang et al. 2025, arXiv 2505.24871, its abstract and a summary of its method: quadratic regression, corners as pilots. There five sets of images with questions, each with
its own verifier, and held-out benchmarks. Chosen here: world, pilots, sizes.
"""

import itertools
from dataclasses import replace
from functools import lru_cache

import numpy as np

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import GRPO, measured, practised, start, world_of
from guerdon.randomness import derive
from guerdon.training.optimiser import AdamW

system = System(
    title="MoDoMoDo: Multi-Domain Data Mixtures for Multimodal LLM Reinforcement Learning",
    link="https://arxiv.org/abs/2505.24871",
    kind="data",
    builds_on=("grpo", "mixture-regression"),
    read="abstract",
    waits_for="a multimodal world with verifiers of several kinds",
    note=(
        "A mixture chosen by a model of pilot runs is not ahead of any simpler one by what 12 seeds can show, and what it "
        "predicts does not go with what comes out (a correlation of -0.14, its interval from -0.41 to 0.15)."
    ),
)
SETS, PLACES, STEPS = ((1, 2), (3,), (4, 5)), 60, 24
CORNERS = tuple(map(tuple, np.eye(3)))
PILOTS = (*CORNERS, *(tuple((np.array(a) + b) / 2) for a, b in itertools.combinations(CORNERS, 2)), (1 / 3,) * 3)
HELD_OUT = ((2 / 3, 1 / 6, 1 / 6), (1 / 6, 2 / 3, 1 / 6), (1 / 6, 1 / 6, 2 / 3), (1 / 2, 1 / 4, 1 / 4), (1 / 4, 1 / 4, 1 / 2))
recipe = GRPO
_KNOBS = {"learning_rate": (0.1, 0.2, 0.4)}
GRID = dict.fromkeys(("uniform", "by size", "best pilot", "predicted"), _KNOBS)
TUNED_BY = "accuracy"
claim = AllOf(
    BetterThan("predicted", "uniform", on="accuracy", effect=0.03, matched="samples, updates of the run that counts"),
    BetterThan("predicted", "by size", on="accuracy", effect=0.03, matched="samples, updates of the run that counts"),
    BetterThan("predicted", "best pilot", on="accuracy", effect=0.03, matched="samples, updates, pilots"),
    BetterThan("predicted", 0.0, on="correlation", effect=0.1),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    return {"accuracy": came(_mixture(arm, seed, scale, learning_rate), derive(seed, "counts"), seed, scale, learning_rate)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    found = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    rate = tuned["predicted"]["learning_rate"]
    held_out = [came(mixture, derive(seed, "held out", i), seed, scale, rate) for i, mixture in enumerate(HELD_OUT)]
    predicted = [float(_terms(mixture) @ _surface(seed, scale, rate)) for mixture in HELD_OUT]
    found["predicted"]["correlation"] = float(np.nan_to_num(np.corrcoef(predicted, held_out)[0, 1]))
    return found


@lru_cache(maxsize=16)
def pilots(seed: int, scale: str, learning_rate: float) -> tuple[float, ...]:
    """What came of each pilot."""
    return tuple(came(mixture, derive(seed, "pilot", i), seed, scale, learning_rate) for i, mixture in enumerate(PILOTS))


def came(mixture: tuple[float, ...], run: int, seed: int, scale: str, learning_rate: float) -> float:
    """Accuracy over all problems after training on a mixture."""
    world = world_of(seed)
    policy, rows = start(world, run), []
    for share, levels in zip(mixture, SETS, strict=True):
        own = itertools.cycle(row for row in world.train() if row["level"] in levels)
        rows += list(itertools.islice(own, round(share * PLACES)))
    practised(policy, world, replace(GRPO, optimiser=AdamW(learning_rate)), 1 if scale == "smoke" else STEPS, run, rows=rows)
    return measured(policy, world)["accuracy"]


def _terms(mixture: tuple[float, ...]) -> np.ndarray:
    """Of a quadratic on the simplex: shares, and their products two by two."""
    return np.array([*mixture, *(a * b for a, b in itertools.combinations(mixture, 2))])


def _surface(seed: int, scale: str, learning_rate: float) -> np.ndarray:
    terms = np.stack([_terms(mixture) for mixture in PILOTS])
    return np.linalg.solve(terms.T @ terms + 0.001 * np.eye(6), terms.T @ np.array(pilots(seed, scale, learning_rate)))


def _mixture(arm: str, seed: int, scale: str, learning_rate: float) -> tuple[float, ...]:
    if arm == "uniform":
        return (1 / 3,) * 3
    if arm == "by size":
        return (2 / 5, 1 / 5, 2 / 5)
    if arm == "best pilot":
        return PILOTS[int(np.argmax(pilots(seed, scale, learning_rate)))]
    grid = [(i / 20, j / 20, (20 - i - j) / 20) for i in range(21) for j in range(21 - i)]
    return max(grid, key=lambda mixture: float(_terms(mixture) @ _surface(seed, scale, learning_rate)))
