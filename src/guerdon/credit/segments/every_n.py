"""Every n: macro-actions of a fixed number of steps.

    segment_t = (acted steps before t) // n        [B, T]; the last one may be shorter

Source: MA-RLHF, arXiv 2410.02743 (fixed n-grams), with the 5 of its script. n = 1 makes each step an action of its own; an n above every length makes the
whole sequence one.
"""

from dataclasses import dataclass

from guerdon.credit.segments._starts import before
from guerdon.errors import InputError
from guerdon.quantities import Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class EveryN:
    n: int = 5

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InputError(f"segments: macro-actions have 1 step or more, not {self.n}; raise n")

    @property
    def longest(self) -> int:
        """How many steps a segment has at most."""
        return self.n

    def __call__(self, mask: Mask) -> Segment:
        return before(mask) // self.n


_gap = {"mask": [[1, 1, 0, 1, 1, 1], [0, 1, 1, 1, 0, 0]]}  # what was not acted takes no time
witness = (
    Witness(EveryN(n=2), given=_gap, returns=[[0, 0, 1, 1, 1, 2], [0, 0, 0, 1, 1, 1]]),
    Witness(EveryN(n=1), parent=EveryN(n=2), given=_gap, returns=[[0, 1, 2, 2, 3, 4], [0, 0, 1, 2, 3, 3]]),
)
