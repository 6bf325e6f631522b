"""Recasting: what was asked and answered → what the policy is asked about it.

A reward that a policy makes itself may be what it says of another sequence than the one that it sampled: of the reference answer after its reasoning, of "Yes" after the question
whether the answer is good. ``prompt`` and ``completion`` are as rewards see them (texts, messages, or the actions of a finite world), ``row`` holds the data's columns; what
comes back is what is asked, what is already said of the answer, and what is measured. None where there is nothing to ask.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Recast:
    """What is measured: ``measured``, after ``begun``, in answer to ``prompt``. Both are texts, or lists of actions."""

    prompt: Any
    begun: Any
    measured: Any


class Recasting(Protocol):
    """One prompt, its completion and the row that it answers → what is measured, or None."""

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None: ...
