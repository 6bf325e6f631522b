"""Corrections: how much a step counts that another policy took than the one that learns from it → a weight per step, [B, T], without a
gradient.

Most read ``log_ratio`` alone: the log-probability of the step under the policy that a gradient step starts from, minus that under the
policy that acted, which ``losses.corrected`` works out; ``level`` says over what the ratio is taken together (``losses.levels``; None: each
step has its own). Others ask by name for what they need besides. A correction of nothing (``log_ratio`` 0 everywhere) is 1 everywhere,
exactly. Where the mask is false a weight is 0 or means nothing.

``drops`` says that a weight is 0 or 1: what it is of is kept or left out, and not weighed. ``truncates``, where a correction has it, takes
the same arguments and says where the weight is less, or more, than the ratio.
"""

from typing import ClassVar, Protocol

from guerdon.quantities import BT, Mask


class Correction(Protocol):
    """``log_ratio`` [B, T], ``mask``, and any quantities of the acted steps → [B, T]."""

    drops: ClassVar[bool]

    def __call__(self, log_ratio: BT, mask: Mask) -> BT: ...
