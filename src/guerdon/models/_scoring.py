"""Scores of text under any model that measures ``score``."""

from collections.abc import Sequence
from typing import Any

import torch

from guerdon.models import Model
from guerdon.sequences import Example, collate
from guerdon.tasks.encoding import Encoder


@torch.no_grad()
def scores_of(model: Model, encoder: Encoder, prompts: Sequence[Any], completions: Sequence[Any], rows_at_once: int) -> list[float]:
    """The number for each completion of a prompt; both plain text or both messages."""
    scores: list[float] = []
    for first in range(0, len(prompts), rows_at_once):
        pairs = zip(prompts[first : first + rows_at_once], completions[first : first + rows_at_once], strict=True)
        batch = collate([Example({"": encoder.encode_pair(p, c)}) for p, c in pairs])
        scores += model.measure(batch.sides[""], {"score"})["score"].tolist()
    return scores
