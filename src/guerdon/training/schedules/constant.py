"""Constant: up from 0 over the warm-up, then the same to the end.

    value(p) = start * min(p / warmup, 1),   p = share of the run that is done

Source: the schedules that ``transformers`` calls "constant" and "constant_with_warmup".
Differs from Linear: does not fall.
"""

from dataclasses import dataclass

from guerdon.training.schedules._warmup import after_warmup
from guerdon.training.schedules.linear import Linear
from guerdon.witness import Witness


@dataclass(frozen=True)
class Constant:
    start: float
    warmup: float = 0.0

    def __call__(self, progress: float) -> float:
        return after_warmup(progress, self.warmup, self.start, lambda q: self.start)


witness = (
    Witness(Constant(4.0), parent=Linear(4.0), given={"progress": 0.75}, returns=4.0),
    Witness(Constant(4.0, warmup=0.5), parent=Constant(4.0), given={"progress": 0.25}, returns=2.0),
)
