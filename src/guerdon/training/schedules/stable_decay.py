"""Warm-up, stable, decay (WSD): up, a long stretch at the top, and down at the end.

    value(p) = start * p / warmup                                          for p < warmup
             = start                                                       while p <= 1 - decay
             = end + (start - end) * (1 - sqrt((p - (1 - decay)) / decay))  at the end,   p = share of the run that is done

A run that goes on longer keeps everything up to the decay: only that has to be done again.

Source: MiniCPM, arXiv 2404.06395, section 4; the shape of the decay, one minus a square root, is that of arXiv 2405.18392, eq. 2 and fig. 5, where it was the best, and so is
the share of 0.2. Differs from Linear: the top is held.
"""

import math
from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.training.schedules._warmup import after_warmup
from guerdon.training.schedules.constant import Constant
from guerdon.training.schedules.linear import Linear
from guerdon.witness import Witness


@dataclass(frozen=True)
class StableDecay:
    start: float
    end: float = 0.0
    warmup: float = 0.0
    decay: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.decay <= 1 - self.warmup:
            raise InputError(
                f"decay is {self.decay}; it is a share of the run, above 0 and at most the {1 - self.warmup:g} that the warm-up leaves"
            )

    def __call__(self, progress: float) -> float:
        if progress > 1 - self.decay:
            return self.end + (self.start - self.end) * (1 - math.sqrt((progress - (1 - self.decay)) / self.decay))
        return after_warmup(progress, self.warmup, self.start, lambda q: self.start)


witness = (
    Witness(StableDecay(4.0), parent=Linear(4.0), given={"progress": 0.75}, returns=4.0),
    Witness(StableDecay(4.0, end=2.0, decay=0.5), parent=Constant(4.0), given={"progress": 0.625}, returns=3.0),
    Witness(StableDecay(4.0, decay=0.5), parent=StableDecay(4.0), given={"progress": 0.625}, returns=2.0),
    Witness(StableDecay(4.0, warmup=0.5), parent=StableDecay(4.0), given={"progress": 0.25}, returns=2.0),
)
