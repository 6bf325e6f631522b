"""Descents: what a search knows of the ways on from a node → how much each is worth being tried next, K numbers, of which the highest is taken.

A way that was never tried has a ``value`` of 0 and 0 ``visits``. ``acting.samplers.tree_search`` goes down its tree by one.
"""

from collections.abc import Sequence
from typing import Protocol


class Descent(Protocol):
    """Of each of K ways: ``value``, the mean of what came of it, in units of the score; ``visits``, how often it was tried; ``prior``, how likely the policy is to take it.
    ``tried``: how often the node itself was. → K numbers."""

    def __call__(self, value: Sequence[float], visits: Sequence[int], prior: Sequence[float], tried: int) -> list[float]: ...
