"""What a run will cost: memory by a formula, time by a real step of a model that is thrown away, and what takes it by the model of costs (``elsewhere``).

memory = weights + gradients and what the optimiser keeps for what is trained + logits and activations of one micro-batch

    logits       tokens x V x 4 bytes x 3         (the logits, their log-softmax, the gradient)
    activations  tokens x layers x (34 D + 2 D_ff) x bytes of a number, at most: those of a layer of a transformer that are kept for the gradient;
                 with activation checkpointing those of one layer, and D numbers, its input, of each

Source of 34 D: Korthikanti et al. 2022, arXiv 2205.05198, eq. 2, for two-byte numbers and D_ff = 4 D, so 17 D numbers.
"""

import dataclasses
from typing import Any

import torch

from guerdon.interfaces.applying import columns_of
from guerdon.interfaces.check import elsewhere
from guerdon.interfaces.check.fitting import savings, sentence, there
from guerdon.interfaces.check.looking import Looked
from guerdon.interfaces.preparing import Prepared
from guerdon.interfaces.sifting import Kept
from guerdon.models.language.four_bits import count, size
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget

_ROWS = 4
_OF_A_LAYER = 17  # D numbers
_QUICK = 15.0  # seconds


def look(prepared: Prepared, warnings: list[str], looked: Looked | None = None) -> dict[str, Any]:
    """Bytes and seconds. Trains the model by one step: it must not be used afterwards."""
    found: dict[str, Any] = {}
    if hasattr(prepared.model, "tokenizer"):
        found["memory"] = memory(prepared)
        if hasattr(prepared.model, "checkpoints"):
            found["checkpointing"] = checkpointing(prepared)
            found["savings"] = savings(prepared, found["memory"], found["checkpointing"])
            warnings += filter(None, [sentence(found["memory"], found["savings"], *there(prepared.model.device))])
    found["time"], metrics = seconds(prepared)
    if looked is not None and "memory" in found:
        found["elsewhere"] = elsewhere.look(prepared, looked, metrics, found["time"]["measured_rows"], found["time"]["step_s"])
    return found


def memory(prepared: Prepared) -> dict[str, int]:
    """Bytes, by what they are for."""
    module, budget, recipe = prepared.model.module, prepared.settings.budget, prepared.settings.recipe
    parameters = list(module.parameters())
    trained = [p for p in parameters if p.requires_grad]
    body = module["body"] if "body" in dict(module.named_children()) else module
    config = body.config.get_text_config()
    tokens = budget.tokens_per_micro_batch or Budget.tokens_per_micro_batch
    whole = sum(map(size, parameters))
    own = sum(p.numel() * p.element_size() for p in trained)
    dtype = getattr(prepared.model, "dtype", None)
    reference = sum(p.numel() * (dtype or p.dtype).itemsize for p in parameters)
    rests = {what: what in budget.offload and prepared.model.device.type != "cpu" for what in ("optimiser", "reference")}
    reads_reference = any("ref_" in name for name in _reads(recipe))
    adapters = any("lora_" in name for name, _ in module.named_parameters())
    found = {
        "parameters": sum(map(count, parameters)),
        "trained_parameters": sum(p.numel() for p in trained),
        "weights": whole,
        "copy": 0 if dtype in (None, torch.float32) else dtype.itemsize * sum(p.numel() for p in trained),
        "reference": 0 if rests["reference"] or adapters or not reads_reference else reference,
        "further_learners": (4 * whole) * len(recipe.learners),
        "gradients": own,
        "optimiser": 0 if rests["optimiser"] else int(getattr(recipe.optimiser, "keeps", AdamW.keeps) * sum(p.numel() for p in trained)),
        "logits": 0 if body is not module else tokens * config.vocab_size * 4 * 3,
        "activations": _activations(prepared, budget.activation_checkpointing),
    }
    found["total"] = sum(v for k, v in found.items() if k not in ("parameters", "trained_parameters"))
    return found


def checkpointing(prepared: Prepared) -> dict[str, Any]:
    """Whether layers are computed again for the gradient, and the bytes that this takes less."""
    return {"on": prepared.settings.budget.activation_checkpointing, "saves": _activations(prepared, False) - _activations(prepared, True)}


def _activations(prepared: Prepared, again: bool) -> int:
    module = prepared.model.module
    body = module["body"] if "body" in dict(module.named_children()) else module
    config = body.config.get_text_config()
    tokens = prepared.settings.budget.tokens_per_micro_batch or Budget.tokens_per_micro_batch
    each = tokens * config.hidden_size * next(body.parameters()).element_size()
    return each * (config.num_hidden_layers + _OF_A_LAYER) if again else each * config.num_hidden_layers * _OF_A_LAYER


def _reads(recipe: Any) -> list[str]:
    from guerdon.parts import needs

    parts = [t.loss for t in (*recipe.terms, *recipe.reward_penalties)] + [
        p for p in (recipe.segments, recipe.advantage, recipe.target) if p is not None
    ]
    return [name for part in parts for name in needs(part)]


def seconds(prepared: Prepared) -> tuple[dict[str, Any], dict[str, float]]:
    """Seconds of a step: measured on four rows, and, where that promises to be quick, on as many rows as a real step has. Also the metrics of the last one."""
    budget = prepared.settings.budget
    rows = min(budget.rows, _ROWS)
    metrics = _step(prepared, rows)
    if rows < budget.rows and metrics["step_time"] * budget.rows / rows < _QUICK:
        rows = budget.rows
        metrics = _step(prepared, rows)
    measured = metrics["step_time"]
    step = measured * budget.rows / rows
    return {"measured_rows": rows, "measured_s": measured, "step_s": step, "steps": budget.steps, "total_s": step * budget.steps}, metrics


def _step(prepared: Prepared, rows: int) -> dict[str, float]:
    """The metrics of one real step on so many rows, its seconds among them, evaluations not counted."""
    from guerdon.training.display import Silent

    budget = dataclasses.replace(
        prepared.settings.budget,
        steps=1,
        batch_size=rows,
        gradient_accumulation_steps=1,
        evaluation_rows=1,
        report_to=(),
        keep_best="",
        patience=0,
        load_best=False,
    )
    recipe = dataclasses.replace(prepared.settings.recipe, refills=0)
    if recipe.minibatches > rows * getattr(recipe.sampler, "num_generations", 1):
        recipe = dataclasses.replace(recipe, minibatches=1)
    task = prepared.task if hasattr(prepared.task, "reward_of") else _few(prepared, rows)
    settings = dataclasses.replace(prepared.settings, budget=budget, recipe=recipe)
    job = Prepared(settings, prepared.loop, prepared.model, task).job
    return job(prepared.model, {}, budget.seed, None, Silent()).history[-1]


def _few(prepared: Prepared, rows: int) -> Kept:
    train, test = prepared.rows, prepared.task.test()
    few = [train[i * len(train) // rows] for i in range(rows)]
    if len({repr(row.get("prompt")) for row in few}) == 1:  # where there are several prompts, a step may need two of them
        few[-1] = next((row for row in train if row.get("prompt") != few[0].get("prompt")), few[-1])
    if prepared.loop == "improve":  # a reward may read a column that none of the few has
        few = [dict.fromkeys(columns_of(train)) | dict(row) for row in few]
    return Kept(prepared.task, few, [test[i] for i in range(min(1, len(test)))])
