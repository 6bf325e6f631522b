"""Fit: data to model. Demonstrations, pairs, labels: whatever the terms of the recipe read.

for each step:  a batch of rows → (reference log-probabilities, if a term reads them) → one gradient step
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.parts import needs, per_batch
from guerdon.quantities import Name
from guerdon.sequences import Example, collate, prefixed
from guerdon.training import knobs
from guerdon.training.display import Display, Silent
from guerdon.training.drive import drive
from guerdon.training.filling import at_once_of
from guerdon.training.kinds import kind_of, refuse_kind
from guerdon.training.learner import Learner
from guerdon.training.measuring import attach_views, compared, crosses, lacking, names_of_whole, require, several_prompts, wanted_by
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.run import Run
from guerdon.training.streams import Stream, sequences_of
from guerdon.training.tally import Tally
from guerdon.training.views import Views


@dataclass(frozen=True)
class Fitted:
    """What ``fit`` returns."""

    model: Model
    history: list[dict[str, float]]


def fit(
    model: Model,
    examples: Sequence[Example],
    recipe: Recipe,
    budget: Budget = Budget(),
    held_out: Sequence[Example] = (),
    run: Run | None = None,
    display: Display = Silent(),
    streams: Mapping[str, Stream] | None = None,
    models: Mapping[str, Model] | None = None,
    remember: Path | None = None,
) -> Fitted:
    """Fit ``model`` in place to ``examples`` and return it with its history.

    Args:
        held_out: examples on which the loss and its metrics are measured, as ``eval/...``.
        streams: data of terms whose ``data`` names a stream.
        models: models that views other than ``ref`` and ``ema`` refer to.
        remember: a folder for what models that do not move say of the rows, so that nothing is measured twice; None: it is.

    Raises:
        InputError: a part needs what neither the rows nor a bound model provides, or there are no rows.
        RunFailed: steps keep being non-finite, or the disk is full.
    """
    loop = _Fit(model, examples, recipe, budget, held_out, dict(streams or {}), dict(models or {}), remember)
    history = drive(loop, "fit", budget, run, display, model)
    loop.learner.done()
    return Fitted(model, history)


class _Fit:
    """The loop's half of ``drive``: one step, its state, its evaluation."""

    def __init__(self, model, examples, recipe, budget, held_out, streams, models, remember):
        self.model, self.recipe, self.budget, self.held_out, self.streams = model, recipe, budget, held_out, streams
        self.names = wanted_by(t.loss for t in recipe.terms)
        self.stream = Stream(examples, budget.rows, budget.seed)
        self.views = Views(model, self.names, recipe.updates, models)
        if "reference" in budget.offload:
            self.views.rest()
        if remember is not None:
            self.views.remember(remember)
        self.at_once = at_once_of(budget, model)
        own = (recipe.terms, recipe.optimiser, self.at_once, self.views.bound, budget.activation_checkpointing)
        self.learner = Learner("policy", model, *own, rests="optimiser" in budget.offload)
        self.knobs = knobs.start(recipe)
        self.crosses = crosses(self.names)
        self._check(examples[0])
        if budget.rows * examples[0].candidates < 2 and any(per_batch(t.loss) for t in recipe.terms if not self.crosses):
            raise InputError(
                "the recipe compares each row with the others of its step, and a step has one row; set batch_size to 2 or more"
            )
        if self.crosses:
            contexts = (sequence.context for e in map(examples.__getitem__, range(len(examples))) for sequence in sequences_of(e, ""))
            several_prompts(budget.rows * examples[0].candidates, "row", contexts)

    def _check(self, example: Example) -> None:
        sides = list(example.sides)
        available = set(example.columns)
        for side in sides:
            first = example.sides[side][0] if isinstance(example.sides[side], tuple) else example.sides[side]
            available |= {prefixed(side, q) for q in {*self.model.measures, *first.steps, "mask"}}
            available |= {prefixed(side, f"{view}_{q}") for view, bound in self.views.bound.items() for q in bound.measures}
            available |= {
                prefixed(side, name) for name in compared(self.model, self.views.bound) | names_of_whole(self.model, self.views.bound)
            }
        wanted = {Name.parse(n) for t in self.recipe.terms if not t.data for n in needs(t.loss)}
        if kind_of(example) is None or lacking(wanted, available):
            refuse_kind(wanted, example)
        require(wanted, available, "the recipe")

    def step(self, step: int) -> dict[str, float]:
        tally = Tally()
        recipe = knobs.at(self.recipe, (step - 0.5) / self.budget.steps, self.knobs)
        own = self.stream.batch(step)
        batches = {
            "": self.stream.crossed(own, step) if self.crosses else own,
            **{name: stream.batch(step) for name, stream in self.streams.items()},
        }
        for batch in batches.values():
            attach_views(batch, self.names, self.views.bound, self.at_once)
        stepped = self.learner.step(batches, recipe.terms, recipe.optimiser, tally)
        for name, value in (self.views.update(self.learner.steps) if stepped else {}).items():
            tally.add(name, value)
        tally.add("num_tokens", float(sum(int(b.tokens.sum()) for b in batches.values())))
        tally.add("epoch", step / self.stream.steps_per_epoch)
        metrics = tally.means()
        self.knobs = knobs.move(self.recipe, self.knobs, metrics, len(batches[""]))
        return metrics | {f"knobs{path}": state["value"] for path, state in self.knobs.items()}

    def evaluate(self, step: int) -> dict[str, float]:
        """The loss and its metrics on the held-out examples."""
        examples = list(self.held_out[: self.budget.evaluation_rows])
        if not examples:
            return {}
        tally = Tally()
        terms = knobs.at(self.recipe, min(step / self.budget.steps, 1.0), self.knobs).terms
        batch = collate(examples)
        if self.crosses:
            batch = self.stream.crossed(batch, 1)
        attach_views(batch, self.names, self.views.bound, self.at_once)
        self.learner.evaluate(batch, terms, tally)
        return {f"eval/{name}": value for name, value in tally.means().items()} | {"eval/rows": float(len(examples))}

    def state(self) -> dict[str, Any]:
        return {"learner": self.learner.state(), "views": self.views.state(), "knobs": self.knobs}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.learner.restore(state["learner"])
        self.views.restore(state["views"])
        self.knobs = state["knobs"]
