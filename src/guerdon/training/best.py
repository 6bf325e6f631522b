"""Best: which model of a run was the best by a metric of its evaluations, kept beside the last one, and when to stop looking for a better one.

run/
  best/step-00000040/     the model as it was there, in the ecosystem's format, with what was measured (best.json)
  model_best              leads there

What is known of it is part of every checkpoint, so that a run that was killed ends with the same best model; a model that a kept checkpoint
names stays until that checkpoint goes. The first evaluation, before the first step, counts: training may make a model worse.
"""

import contextlib
import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.models.sharding import as_held, gathered, whole
from guerdon.processes import here
from guerdon.training.display import Display
from guerdon.training.recipe import Budget
from guerdon.training.run import Run

LINK = "model_best"


class Best:
    """Watches the metric that ``budget.keep_best`` names.

    Attributes:
        step, value: of the best evaluation so far; None before the first.
        waited: evaluations since the last one that was better by more than ``min_delta``.
    """

    def __init__(self, budget: Budget, run: Run | None, model: Model):
        self.budget, self.run, self.model, self.metric = budget, run, model, budget.keep_best
        self.named = self.metric  # as it is logged
        self.lowest = budget.best_is == "lowest" or (budget.best_is == "" and self.metric.endswith("loss"))
        self.step: int | None = None
        self.value, self.anchor, self.waited = math.nan, math.nan, 0
        self.parameters: dict[str, Any] = {}

    def see(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take note of an evaluation, and keep the model where it is the best so far.

        Raises:
            InputError: the metric is not among those that are measured.
        """
        if not self.metric:
            return
        found = [name for name in (self.metric, f"eval/{self.metric}") if name in metrics]
        if not found:
            there = sorted(metrics)
            if not there:
                raise InputError(f"budget.keep_best is {self.metric!r} and nothing is evaluated: there are no held-out rows")
            raise InputError(f"budget.keep_best is {unknown('metric of an evaluation', self.metric, there)}")
        self.named = found[-1]
        value = float(metrics[self.named])
        if self._better(value, self.value, 0.0):
            self.step, self.value = step, value
            self._keep()
        if self._better(value, self.anchor, self.budget.min_delta):
            self.anchor, self.waited = value, 0
        else:
            self.waited += 1

    @property
    def exhausted(self) -> bool:
        """Whether nothing better came for as long as ``patience`` allows."""
        return 0 < self.budget.patience <= self.waited

    @property
    def sentence(self) -> str:
        """Which is the best, and where."""
        at = f" in {self.run.folder / LINK}" if self.run is not None else ""
        return f"the best model by {self.named} ({self.value:.4g}) is that of step {self.step}{at}"

    def _better(self, value: float, than: float, by: float) -> bool:
        if math.isnan(value) or math.isnan(than):
            return not math.isnan(value)
        return value < than - by if self.lowest else value > than + by

    # keeping

    def _keep(self) -> None:
        if self.budget.load_best or self.run is None:
            self.parameters = {n: whole(p.detach()).clone() for n, p in self.model.module.named_parameters() if p.requires_grad}
        if self.run is not None:
            with gathered(self.model):
                here().from_first(self._write, "keeping the best model")

    def _write(self) -> None:
        final = self._place(self.step)
        draft = final.with_name(f"draft-{self.step:08d}")
        with self.run.disk(draft):
            shutil.rmtree(draft, ignore_errors=True)
            self.model.save(draft)
            (draft / "best.json").write_text(json.dumps({"step": self.step, "metric": self.named, "value": self.value}))
            if self.budget.load_best:
                torch.save(self.parameters, draft / "parameters.pt")
            shutil.rmtree(final, ignore_errors=True)
            draft.rename(final)
        self._point()
        self._prune()

    def _place(self, step: int | None) -> Path:
        return self.run.folder / "best" / f"step-{step or 0:08d}"

    def _point(self) -> None:
        """Let ``model_best`` lead to the best model. Where links are not to be had, it is a copy."""
        link, target = self.run.folder / LINK, self._place(self.step)
        draft = link.with_name(f".{LINK}")
        _remove(draft)
        try:
            draft.symlink_to(target.relative_to(self.run.folder), target_is_directory=True)
        except OSError:
            shutil.copytree(target, draft)
        if link.is_dir() and not link.is_symlink():
            _remove(link)
        os.replace(draft, link)

    def prune(self) -> None:
        """Forget models that are neither the best nor named by a checkpoint."""
        if self.run is not None and self.step is not None and here().first:
            self._prune()

    def _prune(self) -> None:
        kept = {self._place(self.step).name} | {self._place(step).name for step in self.run.best_steps()}
        for place in (self.run.folder / "best").glob("*-*"):
            if place.name not in kept:
                _remove(place)

    def forget(self) -> None:
        """Remove what an earlier run left that never came to a checkpoint."""
        if self.run is not None and here().first:
            _remove(self.run.folder / "best")
            _remove(self.run.folder / LINK)

    def conclude(self, last: int, display: Display) -> None:
        """Say which model is the best, and put it into the place of the last one where ``load_best`` asks for it."""
        if self.step is None:
            return
        if self.exhausted and last < self.budget.steps:
            display.say(f"stopped after step {last}: {self.waited} evaluations in a row were no better by {self.named}")
        display.say(self.sentence)
        if self.budget.load_best and self.step != last:
            self._back()
            display.say(f"the run ends with the model of step {self.step} in the place of the last one, as budget.load_best asks")

    def _back(self) -> None:
        given = self.parameters or here().from_first(lambda: torch.load(self._place(self.step) / "parameters.pt", weights_only=True))
        own = dict(self.model.module.named_parameters())
        with torch.no_grad():
            for name, value in given.items():
                own[name].copy_(as_held(value, own[name]))
        if here().several and hasattr(self.model, "gather"):
            self.model.gather()

    # state

    def state(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "named": self.named,
            "step": self.step,
            "value": self.value,
            "anchor": self.anchor,
            "waited": self.waited,
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Back to ``state()``, with what came later forgotten. A run that now keeps the best by a metric that it did not follow before looks for it from here
        on."""
        if not self.metric or not state or state["metric"] != self.metric or state["step"] is None:
            return
        self.step, self.value, self.anchor, self.waited = (state[name] for name in ("step", "value", "anchor", "waited"))
        self.named = state["named"]
        if self.run is None or not here().from_first(self._place(self.step).exists):
            self.step, self.value = None, math.nan
            return
        if here().first:
            self._point()
        self.prune()


def _remove(place: Path) -> None:
    if place.is_symlink() or place.is_file():
        place.unlink()
    else:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(place)
