"""The shapes of rows that conversions read and give, told by the columns of a row. The first that fits is the shape."""

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]


def _is_transcript(row: Row) -> bool:
    return all(isinstance(row.get(side), str) and row[side].lstrip().startswith("Human:") for side in ("chosen", "rejected"))


def _is_rated(row: Row) -> bool:
    answers = row.get("completions")
    return isinstance(answers, list) and bool(answers) and isinstance(answers[0], Mapping) and "response" in answers[0]


def _are_rated_steps(row: Row) -> bool:
    return all(isinstance(row.get(name), Mapping) and inner in row[name] for name, inner in (("question", "problem"), ("label", "steps")))


def _has(*names: str) -> Callable[[Row], bool]:
    return lambda row: all(name in row for name in names)


SHAPES: dict[str, Callable[[Row], bool]] = {
    "step_ratings": _are_rated_steps,
    "transcripts": _is_transcript,
    "pairs": _has("chosen", "rejected"),
    "ratings": _is_rated,
    "stepwise": _has("prompt", "completions", "labels"),
    "ranking": lambda row: _has("prompt", "completions")(row) and ("scores" in row or "ranks" in row),
    "unpaired": _has("prompt", "completion", "label"),
    "prompt_completion": _has("prompt", "completion"),
    "messages": _has("messages"),
    "share_gpt": _has("conversations"),
    "alpaca": _has("instruction", "output"),
}


def shape_of(row: Row) -> str | None:
    """The name of a row's shape; None: none of them."""
    return next((name for name, fits in SHAPES.items() if fits(row)), None)
