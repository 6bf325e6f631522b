"""Linear: up from 0 over the warm-up, then down in a straight line.

    value(p) = start * p / warmup                                      for p < warmup
             = start + (end - start) * (p - warmup) / (1 - warmup)     otherwise,   p = share of the run that is done

Source: the schedule that ``transformers`` calls "linear" (it ends at 0); ``end`` is ours.
"""

from dataclasses import dataclass

from guerdon.training.schedules._warmup import after_warmup
from guerdon.witness import Witness


@dataclass(frozen=True)
class Linear:
    start: float
    end: float = 0.0
    warmup: float = 0.0

    def __call__(self, progress: float) -> float:
        return after_warmup(progress, self.warmup, self.start, lambda q: self.start + (self.end - self.start) * q)


witness = (
    Witness(Linear(4.0, end=2.0), given={"progress": 0.25}, returns=3.5),
    Witness(Linear(4.0, end=2.0, warmup=0.5), parent=Linear(4.0, end=2.0), given={"progress": 0.25}, returns=2.0),
)
