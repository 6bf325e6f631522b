"""Step labels: what continuations of an answer came to, from after each of its steps → a label for each step.

``guerdon.training.step_outcomes`` draws the continuations and writes ``outcomes`` beside the steps of each row; a part of this room makes ``labels`` of them, and what has both
``completions`` and ``labels`` is learned from by ``process_reward_model`` and others.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guerdon.errors import InputError


class StepLabels(Protocol):
    """``outcomes``: of each step, the rewards of the continuations that were drawn from after it, at least one → for each step a label."""

    def __call__(self, outcomes: Sequence[Sequence[float]]) -> list[float]: ...


def labelled(rows: Sequence[Mapping[str, Any]], part: StepLabels) -> list[dict[str, Any]]:
    """Rows ``{completions: [step ...], outcomes: [[reward ...] ...]}`` with the ``labels`` that the part makes of the outcomes.

    Raises:
        InputError: a row has other numbers of steps and outcomes, or a step has none.
    """
    out = []
    for i, row in enumerate(rows):
        outcomes = row.get("outcomes")
        if outcomes is None or len(outcomes) != len(row.get("completions", ())) or not all(len(own) for own in outcomes):
            raise InputError(
                f"row {i + 1} must have in 'outcomes' a list of one reward or more for each of its steps; see guerdon.training.step_outcomes"
            )
        out.append({**row, "labels": part(outcomes)})
    return out
