"""Elsewhere: what takes a step's time by the model of costs, and what the step would take on more machines, ahead, or on a card.

    here       predicted from the sizes and a quick measurement of this machine's products, then scaled to the step that was measured
    elsewhere  the same prediction with more machines, or another one, scaled alike; a card is its data sheet, and not scaled

How far such predictions are off is on the page docs/scale.md. A model whose sizes are not those of a decoder with gated layers is not predicted.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guerdon.costs.arithmetic import Shape
from guerdon.costs.lengths import spread
from guerdon.costs.machine import H100, ON_CARDS, PROCESSOR, PROCESSOR_LINK, PROCESSOR_MEMORY, Machine
from guerdon.costs.memory import fits, rows_at_once
from guerdon.costs.step import Job, best_ahead, in_turn
from guerdon.interfaces.check.looking import Looked
from guerdon.interfaces.preparing import Prepared
from guerdon.models.language.four_bits import count
from guerdon.parts import needs
from guerdon.training.recipe import Budget

MACHINES = (2, 4, 8)
CARD = H100
_ROWS, _FEATURES = 1024, 1024
_BYTES = 2**28
_SECONDS = 0.1
_ODD = 0.05  # of the weights may be something else: norms, biases, positions


def look(prepared: Prepared, looked: Looked, metrics: Mapping[str, float], rows: int, step_s: float) -> dict[str, Any] | None:
    """Seconds by part, and of the step elsewhere; None where the model's sizes are not known.

    Args:
        metrics: of a step on so many rows that was made.
        step_s: what a whole step takes, measured.
    """
    shape = shape_of(prepared)
    if shape is None:
        return None
    job, machine = job_of(prepared, looked, metrics, rows, shape), machine_of(prepared.model)
    predicted = in_turn(job, machine)
    off = step_s / predicted.total
    found = {
        "predicted_s": predicted.total,
        "parts_s": {name: off * value for name, value in vars(predicted).items() if value},
        "machines": {str(count): off * in_turn(job, machine, count).total for count in MACHINES},
        "card": {"name": CARD.name, "step_s": on_card(job)},
    }
    if job.draws:
        best = best_ahead(job, machine, MACHINES[-1])
        found["ahead"] = {"machines": MACHINES[-1], "drawing": best.drawing, "step_s": off * best.step_s}
    return found


def on_card(job: Job) -> float | None:
    """Seconds of a step on one card; None where it has no room."""
    machine = ON_CARDS.on(CARD)
    rows = rows_at_once(job, machine) if job.draws else 1.0
    return in_turn(job, machine, most=rows).total if fits(job, machine) and rows >= 1 else None


def shape_of(prepared: Prepared) -> Shape | None:
    """The model's sizes, where it is a decoder with gated layers."""
    config = _body(prepared.model.module).config.get_text_config()
    try:
        shape = Shape.of(config, _rank(prepared.model.module))
    except (AttributeError, TypeError):
        return None
    there = sum(count(p) for name, p in _body(prepared.model.module).named_parameters() if "lora_" not in name)
    counted = [replace(shape, tied=tied).parameters for tied in (False, True)]  # a body under a head of ours may have none of words
    return shape if any(abs(there - weights) < _ODD * there for weights in counted) else None


def job_of(prepared: Prepared, looked: Looked, metrics: Mapping[str, float], rows: int, shape: Shape) -> Job:
    """The step in the model's terms: lengths of the rows that were looked at, or of what was sampled."""
    recipe, budget, model = prepared.settings.recipe, prepared.settings.budget, prepared.model
    sides = [side for _, _, side in looked.each()]
    prompt = sum(len(side.context) for side in sides) / max(len(sides), 1)
    draws, judging = prepared.loop == "improve", 0.0
    if draws:
        most = float(prepared.settings.decoding.max_completion_length)
        drawn = budget.rows * getattr(recipe.sampler, "answers", getattr(recipe.sampler, "num_generations", 1))
        lengths = spread(drawn, min(max(metrics.get("completions/mean_length", most), 1.0), most), most)
        judging = metrics.get("time/rewards", 0.0) * budget.rows / (rows * drawn)
    else:
        there = sorted(len(side.actions) for side in sides) or [1]
        count = max(1, round(budget.rows * len(there) / max(len(looked.sides), 1)))
        lengths = [float(max(there[i * len(there) // count], 1)) for i in range(count)]
    return Job(
        shape,
        budget.rows,
        prompt,
        tuple(lengths),
        draws=draws,
        scored=_body(model.module) is not model.module,
        looks=int(any("ref_" in name for term in (*recipe.terms, *recipe.reward_penalties) for name in needs(term.loss))),
        critics=len(recipe.learners),
        again=budget.activation_checkpointing,
        epochs=recipe.epochs if draws else 1,
        updates=recipe.epochs * recipe.minibatches if draws else 1,
        micro_batch=budget.tokens_per_micro_batch or Budget.tokens_per_micro_batch,
        shared=bool(getattr(model, "packed", False)),
        judging_s=judging,
        number_bytes=_format(model).itemsize,
    )


def machine_of(model: Any) -> Machine:
    """This machine, from products and, on a card, copies that take a tenth of a second each."""
    import torch

    a = torch.randn(_ROWS, _FEATURES, device=model.device).to(_format(model))
    products = 2 * _ROWS * _FEATURES**2 / _fastest(lambda: a @ a, model.device)
    if model.device.type != "cuda":
        return PROCESSOR.of(products, PROCESSOR_MEMORY, link=PROCESSOR_LINK)
    memory = torch.empty(_BYTES, dtype=torch.uint8, device=model.device)
    there = torch.cuda.get_device_properties(model.device).total_memory
    return ON_CARDS.of(products, 2 * _BYTES / _fastest(memory.clone, model.device), there, CARD.inside)


def _fastest(work: Any, device: Any) -> float:
    import torch

    best, until = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < until or best == float("inf"):
        begun = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - begun)
    return best


def _format(model: Any) -> Any:
    """The numbers that are computed with."""
    return getattr(model, "dtype", None) or next(model.module.parameters()).dtype


def _body(module: Any) -> Any:
    """The transformer below a head of ours."""
    return module["body"] if "body" in dict(module.named_children()) else module


def _rank(module: Any) -> int:
    """Of adapters; 0 where there are none."""
    return next((p.shape[0] for name, p in module.named_parameters() if "lora_A" in name), 0)
