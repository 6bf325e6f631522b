"""Scored rows: the completions of a prompt with their scores, and the columns that go on into whatever is made of them."""

import math
from collections.abc import Mapping
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.sampled import TERMINATED, TOKENS, all_spoken


def candidates(row: Mapping[str, Any]) -> list[tuple[float, Any]]:
    """(score, completion) of a row in its order, without those whose score is None or NaN (not scored)."""
    completions, scores = all_spoken(row), row["scores"]
    if len(completions) != len(scores):
        raise InputError(
            f"a row has {len(completions)} completions and {len(scores)} scores; give one score per completion (None: not scored)"
        )
    return [(float(s), c) for s, c in zip(scores, completions, strict=True) if s is not None and not math.isnan(s)]


def rest(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without its completions and scores, and without their tokens, which each completion carries."""
    return {k: v for k, v in row.items() if k not in ("completions", "scores", TOKENS, TERMINATED)}
