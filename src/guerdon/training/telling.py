"""Telling: rows and a template → prompts in which more stands than the rows' own say."""

import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from guerdon.errors import InputError
from guerdon.tasks.filling import asked, filled, reworded
from guerdon.tasks.rows import at_row
from guerdon.training.judging import Row, Scene

PROMPT = "prompt"


def told_contexts(scene: Scene, rows: Sequence[Row], template: str, column: str, amount: Tensor) -> list[Tensor]:
    """The rows' contexts with the first ``amount`` [P] of what they hold in ``column``; where that is nothing, the plain ones.

    Raises:
        InputError: a row has no such column, or the template does not name it.
    """
    hinted = []
    for place, (row, share) in enumerate(zip(rows, amount.tolist(), strict=True)):
        with at_row(place, "the task"):
            hinted.append(told(row, template, column, share))
    return scene.contexts(hinted)


def told(row: Row, template: str, column: str, share: float) -> Row:
    """The row with another prompt; of a conversation the last message is replaced."""
    if f"{{{column}}}" not in template:
        raise InputError(f"sampler.template: it does not tell the column {column!r}; write {{{column}}} where it is to stand")
    if row.get(column) is None:
        raise InputError(
            f"has nothing in the column {column!r} (columns: {', '.join(map(str, row))}), which the sampler puts into the prompt"
        )
    hint = first_of(row[column], share)
    if not hint:
        return row
    text = filled(template, row, {PROMPT: asked(row[PROMPT]), column: hint}, "sampler.template")
    return {**row, PROMPT: reworded(row[PROMPT], text)}


def first_of(value: Any, share: float) -> str:
    """The first of a text's words, or of the items of a list, each on a line of its own; at least one where there is a share at all."""
    if share <= 0:
        return ""
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value[: max(round(share * len(value)), 1)]))
    words = re.findall(r"\S+\s*", str(value))
    return "".join(words[: max(round(share * len(words)), 1)]).rstrip()
