"""Uncertain: first the rows of whose answer a reward model is least sure, by ``data.selection.uncertainty``.

    p = sigmoid(chosen_score - rejected_score)        as ``guerdon score --out`` writes them; of several ``scores``, the nearest two

Rows with one answer and a ``score``: p = sigmoid(score), as a score is the log-odds of being good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch

from guerdon.data.selection.uncertainty import Uncertainty
from guerdon.errors import InputError
from guerdon.tasks.rows import at_row


@dataclass(frozen=True)
class Uncertain:
    moves: ClassVar[bool] = False

    def __call__(self, rows: Sequence[Any], items: Sequence[Any], answers: Mapping[int, Any], kind: Any, seed: int) -> Sequence[int]:
        margin = []
        for index, row in enumerate(rows):
            with at_row(index):
                margin.append(_margin(row))
        worth = Uncertainty()(torch.tensor(margin, dtype=torch.float64).sigmoid().unsqueeze(-1))
        return worth.argsort(descending=True, stable=True).tolist()


def _margin(row: Mapping[str, Any]) -> float:
    """By how many nats one answer is ahead."""
    try:
        if "chosen_score" in row and "rejected_score" in row:
            return float(row["chosen_score"]) - float(row["rejected_score"])
        if "scores" in row:
            scores = sorted(map(float, row["scores"]))
            return min(high - low for low, high in pairwise(scores))
        return float(row["score"])
    except KeyError:
        raise InputError(
            "it has no scores to be uncertain by: write them with guerdon score MODEL rows.jsonl --out scored.jsonl, or give another --order"
        ) from None
    except (TypeError, ValueError):
        raise InputError("its scores are no numbers; write them with guerdon score MODEL rows.jsonl --out scored.jsonl") from None
