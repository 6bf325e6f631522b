"""Allocation: how often the prompts of a step were solved → how many answers to each of them are drawn, at so many in all."""

from typing import Protocol

from torch import Tensor


class Allocation(Protocol):
    """``success`` [P] of every prompt of the task, NaN where it was never tried; ``chosen`` [K], the step's prompts, as indices into them → [K], numbers of answers that sum up
    to ``total``, or, where some are saved, to less.

    ``decay``: what attempts count when a prompt is tried once more; 1: all alike.
    """

    decay: float

    def __call__(self, success: Tensor, chosen: Tensor, total: int) -> Tensor: ...
