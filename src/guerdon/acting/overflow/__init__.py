"""Overflow: what is done where the policy is to be told more than there is room for.

    (text, tokens, room) -> a shorter text, or None: the episode ends here

``tokens`` is how many the text takes now, with what a template writes around it, and ``room`` how many it may. It is asked again until what it gives fits. Both are counted:
``environment/shortened`` and ``environment/no_room``.
"""

from typing import Protocol


class Overflow(Protocol):
    def __call__(self, text: str, tokens: int, room: int) -> str | None: ...
