"""Minimum: an answer is worth its weakest step.

    worth = min over t of step_t

Source: Let's Verify Step by Step, arXiv 2305.20050, appendix F, beside the product; Math-Shepherd, arXiv 2312.08935, section 3.4.
Differs from Product: how many steps there are does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.feedback.aggregating.last_step import _given
from guerdon.feedback.aggregating.product import Product
from guerdon.witness import Witness


@dataclass(frozen=True)
class Minimum:
    def __call__(self, steps: Sequence[float]) -> float:
        return float(min(steps))


witness = Witness(Minimum(), parent=Product(), given=_given, returns=0.25)
