"""Scores of text under any model that measures ``score``."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.sequences import Example, collate
from guerdon.tasks.encoding import Encoder


@torch.no_grad()
def scores_of(
    model: Model,
    encoder: Encoder,
    prompts: Sequence[Any],
    completions: Sequence[Any],
    rows_at_once: int,
    columns: Mapping[str, Sequence[float]],
) -> list[float]:
    """The number for each completion of a prompt; both plain text or both messages. ``columns``: what the model reads besides.

    Raises:
        InputError: a column has not one number for each completion.
    """
    for name, values in columns.items():
        if len(values) != len(prompts):
            raise InputError(f"{name} has {len(values)} numbers for {len(prompts)} completions; give one for each")
    scores: list[float] = []
    for first in range(0, len(prompts), rows_at_once):
        rows = range(first, min(first + rows_at_once, len(prompts)))
        sides = [{"": encoder.encode_pair(prompts[i], completions[i])} for i in rows]
        batch = collate([Example(side, {n: float(v[i]) for n, v in columns.items()}) for i, side in zip(rows, sides, strict=True)])
        scores += model.measure(batch.sides[""], {"score"})["score"].tolist()
    return scores
