"""What allocations share: that numbers of answers sum up to the total, within bounds."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from guerdon.errors import InputError


def checked(allocation: Any, prompts: int, total: int) -> None:
    """Whether so many answers can be dealt to so many prompts.

    Raises:
        InputError: they are too few or too many.
    """
    if not 0 < allocation.least <= allocation.most:
        raise InputError(f"an allocation of answers needs 0 < least <= most, not {allocation.least} and {allocation.most}")
    if not allocation.least * prompts <= total <= allocation.most * prompts:
        raise InputError(
            f"{total} answers are to be dealt to {prompts} prompts, from {allocation.least} to {allocation.most} each; set num_generations, their mean, between these"
        )


def filled(counts: Tensor, order: Iterable[Any], most: int, total: int) -> Tensor:
    """What is left of the total goes to the first in order, up to ``most`` each."""
    counts = counts.clone()
    for place in order:
        counts[place] += min(most - int(counts[place]), total - int(counts.sum()))
    return counts
