"""The shapes of rows that conversions read and give, told by the columns of a row. The first that fits is the shape."""

from collections.abc import Callable, Mapping
from typing import Any

from guerdon.data.conversions._battles import is_battle
from guerdon.data.conversions._exports import kinds

Row = Mapping[str, Any]
ATTRIBUTES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")  # HelpSteer's


def _is_transcript(row: Row) -> bool:
    return all(isinstance(row.get(side), str) and row[side].lstrip().startswith("Human:") for side in ("chosen", "rejected"))


def _is_rated(row: Row) -> bool:
    answers = row.get("completions")
    return isinstance(answers, list) and bool(answers) and isinstance(answers[0], Mapping) and "response" in answers[0]


def _are_rated_steps(row: Row) -> bool:
    return all(isinstance(row.get(name), Mapping) and inner in row[name] for name, inner in (("question", "problem"), ("label", "steps")))


def _is_labelled(kind: str) -> Callable[[Row], bool]:
    return lambda row: kind in kinds(row)


def _has_lists_of_answers(row: Row) -> bool:
    """Both sides are lists of texts: a message is none."""
    sides = [row.get(name) for name in ("chosen", "rejected")]
    return all(isinstance(side, list) and side and all(isinstance(answer, str) for answer in side) for side in sides)


def _has_rated_response(row: Row) -> bool:
    return _has("prompt", "response")(row) and (isinstance(row.get("attributes"), Mapping) or any(name in row for name in ATTRIBUTES))


def _states_a_preference(row: Row) -> bool:
    return ("overall_preference" in row and _has("context", "response1", "response2")(row)) or (
        "preference_strength" in row and _has("prompt", "response_1", "response_2")(row)
    )


def _names_the_first_error(row: Row) -> bool:
    return _has("problem", "steps", "label")(row) and isinstance(row["steps"], list) and not isinstance(row["label"], str | Mapping)


def _has_tagged_steps(row: Row) -> bool:
    return all(isinstance(row.get(name), str) for name in ("input", "label")) and TAG in row["input"]


def _has(*names: str) -> Callable[[Row], bool]:
    return lambda row: all(name in row for name in names)


TAG = "ки"  # what Math-Shepherd writes where a step ends

SHAPES: dict[str, Callable[[Row], bool]] = {
    **{f"labelled_{kind}": _is_labelled(kind) for kind in ("pairs", "rankings", "ratings", "choices", "spans")},
    "battles": is_battle,
    "stated_preferences": _states_a_preference,
    "attribute_ratings": _has_rated_response,
    "first_errors": _names_the_first_error,
    "tagged_steps": _has_tagged_steps,
    "right_and_wrong": _has_lists_of_answers,
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
