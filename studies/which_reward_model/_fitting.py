"""Fitting: a kind of reward model at a setting on some answers, and what it says of others; what is finished is kept."""

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from guerdon.data.examples import examples
from guerdon.evaluation.metrics.best_of_candidates import BestOfCandidates
from guerdon.evaluation.metrics.calibration_error import CalibrationError
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.metrics.paired_correlation import PairedCorrelation
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.feedback.text import whole_text
from guerdon.models.encoders.embedded import EmbeddedModel
from guerdon.models.language.headed import HeadedModel
from guerdon.training.adapting import conclude
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.schedules.linear import Linear
from studies.which_reward_model._answers import Answers, Asked
from studies.which_reward_model._kinds import ADAPTERS, Kind

BINS = 20  # of 0 to 1
TOKENS = 4096
KEPT = 4  # models in memory: those of a grid, one of which is tested

Bodies = Mapping[str, Callable[[Any], Any]]  # name → head → model


class Fitting:
    """Kinds on one set of answers. ``folder`` None: nothing is kept."""

    def __init__(self, bodies: Bodies, answers: Answers, folder: Path | None, epochs: int = 1):
        self.bodies, self.answers, self.folder, self.epochs = bodies, answers, folder, epochs
        self.resumed = 0  # figures that were there from before
        self._fits = lru_cache(maxsize=KEPT)(self._fit)

    def best(self, name: str, kind: Kind, grid: Sequence[Mapping[str, float]], ladder: Sequence[float] = ()) -> dict[str, Any]:
        """The setting with the most pairs of the validation part in the right order (the first of equals), and what it comes to on the test part. Where
        its rate is the least or the greatest of the grid, the next of the ``ladder`` is tried too, and so on."""
        grid, tried = list(grid), []
        while len(tried) < len(grid):
            new = grid[len(tried) :]
            tried += [self._kept(f"{name} {_spelled(setting)}", lambda setting=setting: self._tried(kind, setting)) for setting in new]
            chosen = grid[max(range(len(grid)), key=lambda i: tried[i]["accuracy"])]
            grid += _beyond(grid, chosen["learning_rate"], ladder)
        found = self._kept(f"{name} {_spelled(chosen)} tested", lambda: self._tested(kind, chosen))
        edge = chosen["learning_rate"] in _extent(grid)
        validation = [{**setting, "accuracy": each["accuracy"]} for setting, each in zip(grid, tried, strict=True)]
        return {"setting": dict(chosen), "edge": edge, "validation": validation, **found}

    def _tried(self, kind: Kind, setting: Mapping[str, float]) -> dict[str, Any]:
        return {"accuracy": float(right(*self._of_pairs(self._fitted(kind, setting)[0], kind, "validation")).mean())}

    def _tested(self, kind: Kind, setting: Mapping[str, float]) -> dict[str, Any]:
        model, took = self._fitted(kind, setting)
        chosen, rejected = self._of_pairs(model, kind, "test")
        longer = [len(whole_text(p["chosen"])) - len(whole_text(p["rejected"])) for p in self.answers.pairs("test")]
        return {"cpu_s": round(took, 1), **figures(chosen, rejected, longer), "best_of_4": self._best_of(model, kind, self.answers.fours)}

    def _fitted(self, kind: Kind, setting: Mapping[str, float]) -> tuple[Any, float]:
        """A fitted model, and the seconds of a processor that it took. What differs only in how its steps are put together is fitted once."""
        return self._fits(replace(kind, aggregate=None), tuple(setting.items()))

    def _fit(self, kind: Kind, setting: tuple[tuple[str, float], ...]) -> tuple[Any, float]:
        model = self.bodies[kind.body](kind.head)
        if kind.body != ADAPTERS:  # texts are encoded once, whoever is the first to be fitted; the clock is not for that
            self._of_pairs(model, kind, "train")
        begun = time.process_time()
        own = dict(setting)
        rows = examples(kind.learns(self.answers.pairs("train")), encoder_for(model))
        several = own.get("epochs", self.epochs * kind.passes)
        batch = 16 if kind.body == ADAPTERS else 256
        recipe = Recipe(kind.terms, AdamW(Linear(own["learning_rate"], warmup=0.1), weight_decay=own.get("decay", 0.0)))
        budget = Budget(
            steps=max(int(several * len(rows)) // batch, 1),
            batch_size=batch,
            tokens_per_micro_batch=TOKENS if kind.body == ADAPTERS else 10**6,
        )
        model = fit(model, rows, recipe, budget).model
        conclude(model, rows)
        return model, time.process_time() - begun

    def _of_pairs(self, model: Any, kind: Kind, part: str) -> tuple[np.ndarray, np.ndarray]:
        pairs = self.answers.pairs(part)
        both = said(model, kind, [p["prompt"] for p in pairs] * 2, [p[side] for side in ("chosen", "rejected") for p in pairs])
        return both[: len(pairs)], both[len(pairs) :]

    def _best_of(self, model: Any, kind: Kind, fours: Sequence[Asked]) -> list[float]:
        scores = said(model, kind, [one.prompt for one in fours for _ in one.answers], [a for one in fours for a in one.answers])
        return estimate(BootstrapMean()(BestOfCandidates()(list(scores.reshape(len(fours), -1)), [one.right for one in fours])))

    def _kept(self, name: str, made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        path = None if self.folder is None else self.folder / f"{name}.json"
        if path is not None and path.exists():
            self.resumed += 1
            return json.loads(path.read_text())
        found = made()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_text(json.dumps(found))
            part.replace(path)
            print(f"{name}: {found['accuracy']}", flush=True)
        return found


def said(model: Any, kind: Kind, prompts: Sequence[Any], answers: Sequence[Any]) -> np.ndarray:
    """What a model says of each answer, those that come several times read once."""
    asked = {repr(one): one for one in zip(prompts, answers, strict=True)}
    own_prompts, own_answers = zip(*asked.values(), strict=True)
    if kind.aggregate is None:
        scores = model.score(own_prompts, own_answers)
    else:
        lines = [[line for line in answer.splitlines() if line.strip()] for answer in own_answers]
        scores = [kind.aggregate(own) for own in model.step_scores(own_prompts, lines)]
    by = dict(zip(asked, map(float, scores), strict=True))
    return np.array([by[repr(one)] for one in zip(prompts, answers, strict=True)])


def right(chosen: np.ndarray, rejected: np.ndarray) -> np.ndarray:
    return PairAccuracy()(chosen, rejected)


def figures(chosen: np.ndarray, rejected: np.ndarray, longer: Sequence[int]) -> dict[str, Any]:
    """Of pairs: the share in the right order, how far sigmoid(margin) is from how often it is right, and how margins go along with length (None: no
    pair differs in it)."""
    probability = 1 / (1 + np.exp(-np.clip(chosen - rejected, -500, 500)))
    confidence = np.maximum(probability, 1 - probability)
    length = float(PairedCorrelation()(chosen - rejected, np.asarray(longer, dtype=float)))
    return {
        "accuracy": estimate(Wilson()(right(chosen, rejected))),
        "calibration": round(float(CalibrationError(BINS)(confidence, right(chosen, rejected))), 4),
        "length": round(length, 4) if np.isfinite(length) else None,
    }


def estimate(found: Any) -> list[float]:
    return [round(float(x), 4) for x in (found.value, found.low, found.high)]


def embedded(encoder: Any, seed: int) -> Callable[[Any], EmbeddedModel]:
    """Models on one running encoder, which encodes every text once."""
    return lambda head: EmbeddedModel(encoder, head, seed)


def adapted(policy: Any, seed: int) -> Callable[[Any], Any]:
    """Models on a language model, each on a copy of its own."""
    return lambda head: HeadedModel(copy.deepcopy(policy), head, seed)


def _extent(grid: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    rates = [each["learning_rate"] for each in grid]
    return min(rates), max(rates)


def _beyond(grid: Sequence[Mapping[str, float]], best: float, ladder: Sequence[float]) -> list[dict[str, float]]:
    """The settings of the best rate at the next rate of the ladder, below where it is the least of the grid and above where it is the greatest."""
    least, greatest = _extent(grid)
    below = [rate for rate in ladder if rate < least][-1:] if best == least else []
    above = [rate for rate in ladder if rate > greatest][:1] if best == greatest else []
    return [{**each, "learning_rate": rate} for rate in below + above for each in grid if each["learning_rate"] == best]


def _spelled(setting: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:g}" for name, value in setting.items())
