"""Choices: quantities of the acted steps of a batch → which of them, [B, T], true or false. What is made of them says ``losses.where``.

A choice that compares the steps of a batch with each other is ``per_batch``, and its ``settled``, which takes the same quantities of the whole batch, is the
same choice with numbers in it, such as a threshold. That one looks at each step by itself, so that nothing depends on how a batch is split. Where the
mask is false nothing is chosen, or it means nothing.
"""

from typing import ClassVar, Protocol

from guerdon.quantities import BT, Mask


class Choice(Protocol):
    """Any quantities of the acted steps → [B, T] of true and false, without a gradient."""

    per_batch: ClassVar[bool]

    def __call__(self, **quantities: BT) -> Mask: ...
