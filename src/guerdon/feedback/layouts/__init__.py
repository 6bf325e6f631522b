"""Layouts: an answer's text → what it says is the verdict, and what it says before; how a judge is told to write both is the layout's as well.

``tells(verdict, form, before)`` is the instruction: ``verdict`` is what it is called, ``form`` what may be written, ``before`` the deliberation. ``schema(verdict, values,
before)`` is the JSON schema of such an answer, or None where it is not JSON. What cannot be read is ``Unread``, with why: nothing is guessed from prose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from guerdon.feedback.deliberation import Deliberation


@dataclass(frozen=True)
class Unread:
    """Why there is no verdict."""

    why: str


class Layout(Protocol):
    def __call__(self, text: str) -> Any:
        """The verdict that is written in ``text``: a text, a number, a list; or ``Unread``."""
        ...

    def tells(self, verdict: str, form: str, before: Deliberation | None) -> str: ...

    def schema(self, verdict: str, values: Mapping[str, Any], before: Deliberation | None) -> Mapping[str, Any] | None: ...


def shown(text: str) -> str:
    """A text, shortened to be quoted."""
    words = " ".join(text.split())
    return repr(words if len(words) <= 60 else f"{words[:57]}...")
