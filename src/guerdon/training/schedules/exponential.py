"""Exponential: down, or up, by the same factor in equal parts of the run, and no further than a bound.

    value(p) = start * p / warmup                              for p < warmup
             = max(least, start * factor^q)                     otherwise,   q = (p - warmup) / (1 - warmup),   p = share of the run that is done

``factor`` is that over the whole run: 0.25 ends at a quarter.

Source: the budget of tokens of RMT, arXiv 2509.24375, which shrinks so and has a least value; of a summary, its numbers are not known here.
Differs from Linear: it falls fastest at first, and never ends at 0.
"""

from dataclasses import dataclass

from guerdon.training.schedules._warmup import after_warmup
from guerdon.training.schedules.linear import Linear
from guerdon.witness import Witness


@dataclass(frozen=True)
class Exponential:
    start: float
    factor: float
    least: float = 0.0
    warmup: float = 0.0

    def __call__(self, progress: float) -> float:
        return after_warmup(progress, self.warmup, self.start, lambda q: max(self.least, self.start * self.factor**q))


witness = (
    Witness(Exponential(4.0, 0.25), parent=Linear(4.0, end=1.0), given={"progress": 0.5}, returns=2.0),
    Witness(Exponential(4.0, 0.25, least=3.0), parent=Exponential(4.0, 0.25), given={"progress": 0.5}, returns=3.0),
    Witness(Exponential(4.0, 0.25, warmup=0.5), parent=Exponential(4.0, 0.25), given={"progress": 0.75}, returns=2.0),
)
