"""Edits: answers → the same answers, each changed in one respect (None: there is nothing in it to change). What a scorer makes of them says what it reads.

An edit that ``matters`` makes an answer worse, and a score should fall; one that does not should leave every preference as it is.
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol


class Edit(Protocol):
    """Texts → texts, or None where the edit does not apply. What is random takes its seed as a field."""

    matters: ClassVar[bool]

    def __call__(self, answers: Sequence[str]) -> list[str | None]: ...
