"""Preference vector: a head whose answers are compared in planes and not on a line.

    preference_vector = W hidden[last]        [B, 2 planes]

Source: general preference models, arXiv 2410.02197: an embedding of 2k dimensions for each answer, compared by a skew-symmetric
form (``losses.comparisons.skew_logistic``). Its further scale of each plane, made from the prompt, and its normalisation are left out: one
head on the answer says both. Default ``planes`` 1: the least that can express a cycle.
Differs from Scalar: two numbers a plane; what is preferred to what need not be transitive. The start is Scalar's.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from guerdon.models.heads.scalar import small_start


@dataclass(frozen=True)
class PreferenceVector:
    measures: ClassVar[str] = "preference_vector"
    per_step: ClassVar[bool] = False

    planes: int = 1

    def build(self, width: int, seed: int) -> nn.Module:
        return small_start(width, 2 * self.planes, seed)

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B] → [B, 2 planes]."""
        return module(hidden.index_select(0, last).to(module.weight.dtype))
