"""Restarts: the cosine, several times.

    value(p) = end + (start - end) * (1 + cos(pi (n q mod 1))) / 2,   q = (p - warmup) / (1 - warmup),   p = share of the run that is done, n cycles

Source: SGDR, arXiv 1608.03983, eq. 5, with cycles of equal length, as ``transformers`` has it under "cosine_with_restarts"; the warm-up is ours.
Differs from Cosine: after each cycle it begins at the top again.
"""

import math
from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.training.schedules._warmup import after_warmup
from guerdon.training.schedules.cosine import Cosine
from guerdon.witness import Witness


@dataclass(frozen=True)
class Restarts:
    start: float
    end: float = 0.0
    warmup: float = 0.0
    cycles: int = 2

    def __post_init__(self) -> None:
        if self.cycles < 1:
            raise InputError(f"cycles is {self.cycles} and must be at least 1")

    def __call__(self, progress: float) -> float:
        return after_warmup(progress, self.warmup, self.start, self._cosine)

    def _cosine(self, q: float) -> float:
        if q >= 1:
            return self.end
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * (self.cycles * q % 1.0))) / 2


witness = (
    Witness(Restarts(4.0, end=2.0), parent=Cosine(4.0, end=2.0), given={"progress": 1 / 6}, returns=3.5),
    Witness(Restarts(4.0), parent=Cosine(4.0), given={"progress": 0.5}, returns=4.0),
    Witness(Restarts(4.0, cycles=4), parent=Restarts(4.0), given={"progress": 0.25}, returns=4.0),
    Witness(Restarts(4.0, warmup=0.5), parent=Restarts(4.0), given={"progress": 0.125}, returns=1.0),
)
