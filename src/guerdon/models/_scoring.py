"""Scores of text under any model that measures ``score``, and of its steps under one that measures ``step_score``."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.sequences import Example, collate
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.tasks.messages import TEMPLATE_COLUMNS


@torch.no_grad()
def scores_of(
    model: Model,
    encoder: Encoder,
    prompts: Sequence[Any],
    completions: Sequence[Any],
    rows_at_once: int,
    columns: Mapping[str, Sequence[Any]],
) -> list[float]:
    """The number for each completion of a prompt; both plain text or both messages. ``columns``: what the model reads besides (numbers), and what the
    chat template does (``tools``, ``chat_template_kwargs``).

    Raises:
        InputError: a column has not one value for each completion.
    """
    for name, values in columns.items():
        if len(values) != len(prompts):
            raise InputError(f"{name} has {len(values)} values for {len(prompts)} completions; give one for each")
    told = {name: columns[name] for name in TEMPLATE_COLUMNS if name in columns}
    read = {name: values for name, values in columns.items() if name not in told}
    scores: list[float] = []
    for first in range(0, len(prompts), rows_at_once):
        rows = range(first, min(first + rows_at_once, len(prompts)))
        variables = [template_variables({name: values[i] for name, values in told.items()}) for i in rows]
        sides = [{"": encoder.encode_pair(prompts[i], completions[i], **own)} for i, own in zip(rows, variables, strict=True)]
        batch = collate([Example(side, {n: float(v[i]) for n, v in read.items()}) for i, side in zip(rows, sides, strict=True)])
        scores += model.measure(batch.sides[""], {"score"})["score"].tolist()
    return scores


@torch.no_grad()
def step_scores_of(
    model: Model, encoder: Encoder, prompts: Sequence[Any], steps: Sequence[Sequence[str]], rows_at_once: int
) -> list[list[float]]:
    """Of each answer, the probability that each of its steps (texts with whatever ends them) is right.

    Raises:
        InputError: an answer has no steps, or the model says nothing of them.
    """
    if "step_score" not in model.measures:
        raise InputError("the model scores whole answers and not their steps; train one with the recipe process_reward_model")
    if any(not own for own in steps):
        raise InputError("an answer has no steps to score; leave it out")
    found: list[list[float]] = []
    for first in range(0, len(prompts), rows_at_once):
        rows = range(first, min(first + rows_at_once, len(prompts)))
        batch = collate([Example({"": encoder.encode_steps(prompts[i], list(steps[i]), [0.0] * len(steps[i]))}) for i in rows])
        sequences = batch.sides[""]
        said = torch.sigmoid(model.measure(sequences, {"step_score"})["step_score"])
        found += [own[mask].tolist() for own, mask in zip(said, sequences.mask, strict=True)]
    return found
