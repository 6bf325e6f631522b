"""Ratios of a level, and their bounds."""

import math

import torch

from guerdon.errors import InputError
from guerdon.exponentials import AT
from guerdon.losses.levels import Level
from guerdon.parts import call
from guerdon.quantities import BT, Mask


def log_ratio_of(level: Level | None, log_ratio: BT, mask: Mask) -> BT:
    """The log-ratio of a level, without a gradient, 0 where the mask is false."""
    own = torch.where(mask, log_ratio.detach(), 0.0)
    return own if level is None else call(level, {"log_ratio": own, "mask": mask})


def ratio(log_ratio: BT) -> BT:
    """e^log_ratio, and e^20 beyond: a weight has no gradient that the cut could take away."""
    return log_ratio.clamp(max=AT).exp()


def between(log_ratio: BT, low: float, high: float) -> Mask:
    """Whether a ratio lies between the bounds, which it may equal; compared as logarithms, where none overflows."""
    return (log_ratio >= _log(low)) & (log_ratio <= _log(high))


def _log(bound: float) -> float:
    return math.log(bound) if bound > 0 else -math.inf


def around_one(what: str, low: object, high: object, names: str) -> None:
    """Refuse bounds that leave out steps which nothing has moved; schedules are seen when they have become numbers.

    Raises:
        InputError: the lower one is negative or above 1, or the upper one below 1.
    """
    if all(isinstance(bound, (int, float)) for bound in (low, high)) and not (0 <= low <= 1 <= high and low < high):
        raise InputError(
            f"{what}: {names} are {low} and {high}, and between them has to lie 1, the ratio of a step that is as likely as when it was drawn; "
            "give a lower bound from 0 to 1 and a higher one of 1 or more"
        )
