"""UCT: what is worth most, as far as it may be.

    worth = value + exploration * sqrt(ln tried / visits);        infinite where it was never tried

``exploration`` is in units of the score: a score that goes from 0 to 1 suits the default.

Source: Kocsis and Szepesvari 2006, Bandit based Monte-Carlo Planning; UCB1, whose bound has sqrt(2) for rewards from 0 to 1 (Auer et al. 2002, theorem 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, sqrt

from guerdon.witness import Witness


@dataclass(frozen=True)
class UCT:
    exploration: float = sqrt(2)

    def __call__(self, value: Sequence[float], visits: Sequence[int], prior: Sequence[float], tried: int) -> list[float]:
        return [v + self.exploration * sqrt(log(max(tried, 1)) / n) if n else inf for v, n in zip(value, visits, strict=True)]


_known = {"value": [0.5, 0.25, 0.0], "visits": [4, 1, 0], "prior": [0.5, 0.25, 0.25], "tried": 5}
witness = Witness(
    UCT(exploration=1.0), given=_known, returns=[0.5 + sqrt(log(5) / 4), 0.25 + sqrt(log(5)), inf]
)  # what was tried once is ahead of what is worth twice as much
