"""Scores of text under any model that measures ``score``."""

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
