"""TrueSkill: a normal belief of each, and the one nearest to what a win, or a draw within a margin, leaves of it.

    c^2 = 2 beta^2 + sigma_1^2 + sigma_2^2,  t = (mu_1 - mu_2) / c,  e = margin / c        (of the first who won; variances grow by drift^2 before)
    win:   v = N(t - e) / Phi(t - e),                                   w = v (v + t - e)
    draw:  v = (N(-e - t) - N(e - t)) / Z,   Z = Phi(e - t) - Phi(-e - t),   w = v^2 + ((e - t) N(e - t) + (e + t) N(e + t)) / Z
    mu_i +- sigma_i^2 v / c,    sigma_i^2 <- sigma_i^2 (1 - w sigma_i^2 / c^2)

A belief is (mu, sigma). ``draws`` is the chance of a draw of equals, margin = sqrt(2) beta Phi^-1((1 + draws) / 2). ``expected`` is Phi(t); ``rating`` is mu.

Source: Herbrich, Minka and Graepel 2006, TrueSkill: A Bayesian Skill Rating System, table 1 and section 3, of two players; defaults of theirs.
Differs from Glicko2: a draw is an answer of its own, and tells the more the surer one was.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from guerdon.errors import InputError
from guerdon.evaluation.rating_updates import Belief
from guerdon.witness import Witness

_NORMAL = NormalDist()
_LEAST = 1e-12  # of a probability, where what happened was as good as impossible


@dataclass(frozen=True)
class TrueSkill:
    draws: float = 0.1
    sigma: float = 25 / 3
    beta: float = 25 / 6
    drift: float = 25 / 300

    def __post_init__(self) -> None:
        if not 0 < self.draws < 1:
            raise InputError(f"draws: equals draw with a chance between 0 and 1, not {self.draws}")

    @property
    def start(self) -> Belief:
        return 3 * self.sigma, self.sigma

    def __call__(self, first: Belief, second: Belief, outcome: float) -> tuple[Belief, Belief]:
        if outcome < 0.5:
            return self(second, first, 1 - outcome)[::-1]
        (one, s1), (other, s2) = ((mu, sigma**2 + self.drift**2) for mu, sigma in (first, second))
        c = math.sqrt(2 * self.beta**2 + s1 + s2)
        margin = math.sqrt(2) * self.beta * _NORMAL.inv_cdf((1 + self.draws) / 2)
        v, w = (_win if outcome > 0.5 else _draw)((one - other) / c, margin / c)
        shrunk = (math.sqrt(s * (1 - w * s / c**2)) for s in (s1, s2))
        return tuple(zip((one + s1 * v / c, other - s2 * v / c), shrunk, strict=True))

    def expected(self, first: Belief, second: Belief) -> float:
        return _NORMAL.cdf((first[0] - second[0]) / math.sqrt(2 * self.beta**2 + first[1] ** 2 + second[1] ** 2))

    def rating(self, belief: Belief) -> float:
        return belief[0]


def _win(t: float, e: float) -> tuple[float, float]:
    v = _NORMAL.pdf(t - e) / max(_NORMAL.cdf(t - e), _LEAST)
    return v, min(v * (v + t - e), 1.0)


def _draw(t: float, e: float) -> tuple[float, float]:
    chance = max(_NORMAL.cdf(e - t) - _NORMAL.cdf(-e - t), _LEAST)
    v = (_NORMAL.pdf(-e - t) - _NORMAL.pdf(e - t)) / chance
    return v, min(v**2 + ((e - t) * _NORMAL.pdf(e - t) + (e + t) * _NORMAL.pdf(e + t)) / chance, 1.0)


# Equals, no margin to speak of: v = N(0) / Phi(0) = sqrt(2 / pi), w = v^2 = 2 / pi; c = 2 and both variances 1. And a draw where e = 1: v = 0, w = 2 N(1) / (Phi(1) - Phi(-1)).
_v, _w = math.sqrt(2 / math.pi), 2 * math.exp(-0.5) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(0.5))
_plain = TrueSkill(draws=1e-12, beta=1.0, drift=0.0)
_ready = TrueSkill(draws=math.erf(1), beta=1.0, drift=0.0)
_equals = {"first": (0.0, 1.0), "second": (0.0, 1.0)}
witness = (
    Witness(
        _plain,
        parent=_ready,
        given=_equals | {"outcome": 0.0},
        returns=((-_v / 2, math.sqrt(1 - 1 / (2 * math.pi))), (_v / 2, math.sqrt(1 - 1 / (2 * math.pi)))),
    ),
    Witness(_ready, parent=_plain, given=_equals | {"outcome": 0.5}, returns=((0.0, math.sqrt(1 - _w / 4)),) * 2),
)
