"""Replies: what was answered → what the policy is told, so that it answers again, in the same conversation (``acting.samplers.attempts``).

For each answer a tuple of texts: one where the policy is to answer again at once; several where it first says something else to each of them but the last, such as a critique
of its own; none where the conversation is over; as many for all that go on. What the policy says on the way is learned from unless ``learned`` is false. Texts are put into the
conversation as they are: as the user's turn by a chat template, behind plain text as plain text; in a finite world they are its actions, as numbers with spaces between them.

A part reads by name, for all answers at once: ``prompt`` and ``completion`` as rewards are shown them, ``row`` (all columns of the data), and ``reward``, the combined reward of
the answer, NaN where it has none. Only where a part reads it is an answer judged before the next one is drawn.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor


class Reply(Protocol):
    """What is known of B answers → for each the texts that follow it."""

    def __call__(
        self, *, prompt: Sequence[Any], completion: Sequence[Any], row: Sequence[Mapping[str, Any]], reward: Tensor
    ) -> list[tuple[str, ...]]: ...
