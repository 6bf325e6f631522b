"""Cosine: up from 0 over the warm-up, then down along half a cosine.

    value(p) = end + (start - end) * (1 + cos(pi q)) / 2,   q = (p - warmup) / (1 - warmup),   p = share of the run that is done

Source: SGDR, arXiv 1608.03983, eq. 5, without restarts; the warm-up is ours.
Differs from Linear: stays near both ends for longer.
"""

import math
from dataclasses import dataclass

from guerdon.training.schedules._warmup import after_warmup
from guerdon.training.schedules.linear import Linear
from guerdon.witness import Witness


@dataclass(frozen=True)
class Cosine:
    start: float
    end: float = 0.0
    warmup: float = 0.0

    def __call__(self, progress: float) -> float:
        return after_warmup(progress, self.warmup, self.start, self._cosine)

    def _cosine(self, q: float) -> float:
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * q)) / 2


witness = (
    Witness(Cosine(4.0, end=2.0), parent=Linear(4.0, end=2.0), given={"progress": 1 / 3}, returns=3.5),
    Witness(Cosine(4.0, warmup=0.5), parent=Cosine(4.0), given={"progress": 0.25}, returns=2.0),
)
