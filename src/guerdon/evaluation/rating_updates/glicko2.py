"""Glicko-2: a rating, how uncertain it is, and how much it is expected to wander; what is uncertain moves more.

    g(phi) = (1 + 3 phi^2 / pi^2)^(-1/2),   E = sigmoid(g(phi') (mu - mu')),   v = 1 / (g^2 E (1 - E)),   delta = v g (outcome - E)
    sigma <- exp(x / 2) with f(x) = 0,   f(x) = e^x (delta^2 - phi^2 - v - e^x) / (2 (phi^2 + v + e^x)^2) - (x - ln sigma^2) / tau^2
    phi <- ((phi^2 + sigma^2)^-1 + v^-1)^(-1/2),   mu <- mu + phi^2 g (outcome - E)                        ' is the other

A belief is (mu, phi, sigma) on Glicko-2's own scale, 173.7178 points to one; every battle is a period of its own.
``rating`` is 1500 + 173.7178 mu. ``expected`` allows for the uncertainty of both.

Source: Glickman 2012, Example of the Glicko-2 system, steps 2 to 8 and its defaults. The code of arXiv 2510.02306 multiplies by ln 10 / 400 once more, which its
scale already holds; here it is Glickman's.
Differs from Elo: the step is as long as what is not known yet.
"""

import math
from dataclasses import dataclass

from guerdon.evaluation.rating_updates import Belief
from guerdon.evaluation.rating_updates.elo import Elo
from guerdon.witness import Witness

SCALE = 173.7178


@dataclass(frozen=True)
class Glicko2:
    tau: float = 0.5
    deviation: float = 350.0
    volatility: float = 0.06

    @property
    def start(self) -> Belief:
        return 0.0, self.deviation / SCALE, self.volatility

    def __call__(self, first: Belief, second: Belief, outcome: float) -> tuple[Belief, Belief]:
        return self._one(first, second, outcome), self._one(second, first, 1 - outcome)

    def expected(self, first: Belief, second: Belief) -> float:
        return _sigmoid(_g(math.hypot(first[1], second[1])) * (first[0] - second[0]))

    def rating(self, belief: Belief) -> float:
        return 1500 + SCALE * belief[0]

    def _one(self, own: Belief, other: Belief, outcome: float) -> Belief:
        mu, phi, sigma = own
        g = _g(other[1])
        chance = _sigmoid(g * (mu - other[0]))
        v = 1 / (g**2 * chance * (1 - chance))
        sigma = self._wandering(phi, sigma, v, v * g * (outcome - chance))
        phi = (1 / (phi**2 + sigma**2) + 1 / v) ** -0.5
        return mu + phi**2 * g * (outcome - chance), phi, sigma

    def _wandering(self, phi: float, sigma: float, v: float, delta: float) -> float:
        """The new volatility: f falls, so its zero is bracketed and then halved in upon by the Illinois rule."""
        start = math.log(sigma**2)

        def f(x: float) -> float:
            own = math.exp(x)
            return own * (delta**2 - phi**2 - v - own) / (2 * (phi**2 + v + own) ** 2) - (x - start) / self.tau**2

        low, high = start, start
        if delta**2 > phi**2 + v:
            high = math.log(delta**2 - phi**2 - v)
        else:
            high = start - self.tau
            while f(high) < 0:
                high -= self.tau
        at_low, at_high = f(low), f(high)
        while abs(high - low) > 1e-6:
            middle = low + (low - high) * at_low / (at_high - at_low)
            at_middle = f(middle)
            if at_middle * at_high <= 0:
                low, at_low = high, at_high
            else:
                at_low /= 2
            high, at_high = middle, at_middle
        return math.exp(low / 2)


def _g(phi: float) -> float:
    return (1 + 3 * phi**2 / math.pi**2) ** -0.5


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# A draw of equals: E = 1/2, nobody moves, and with a tau so small that sigma stays, 1 / phi^2 = 1 / (1 + 1/100) + g^2 / 4 with g^2 = 1 / (1 + 3 / pi^2).
_phi = (1 / 1.01 + 1 / (4 * (1 + 3 / math.pi**2))) ** -0.5
witness = Witness(
    Glicko2(tau=1e-6),
    parent=Elo(),
    given={"first": (0.0, 1.0, 0.1), "second": (0.0, 1.0, 0.1), "outcome": 0.5},
    returns=((0.0, _phi, 0.1), (0.0, _phi, 0.1)),
)
