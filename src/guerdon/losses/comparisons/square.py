"""Square: the lead of the chosen side is to have a given size, neither less nor more.

    loss = (d - target)^2,   d = chosen_score - rejected_score        [N], in units of the score squared

``target`` is a number, or, when None, the column ``margin`` of the pair. On the log-ratio of ``beta``:

* a number, 1/2: IPO with tau = ``beta``, times tau^2. IPO's own scale is ``LogRatio(1)`` with ``target`` 1 / (2 tau), or a weight of 1 /
  tau^2.
* ``margin`` the difference of the two rewards: contrastive policy gradient (CoPG). Its loss is 1 / (2 beta) of this one, up to a
  constant, so a weight of 1 / (2 beta) makes the gradient its own: that of the policy gradient of reward - beta * log-ratio with the
  other side as baseline.

Source: IPO, arXiv 2310.12036, eq. 17; CoPG, arXiv 2406.19185, whose loss completing the square turns into this, and which has IPO as the case of
rewards half a unit apart.
Differs from Logistic: finite at the optimum. Pairs that are always decided the same way do not drive the policy from the reference
without end. The expected gradient of the ``margin`` form vanishes at ref * exp(reward / beta) whatever policy drew the pairs.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Square:
    target: float | None = 0.5  # None: the column ``margin``

    def needs(self) -> frozenset[str]:
        return frozenset({"chosen_score", "rejected_score"} | ({"margin"} if self.target is None else set()))

    def wants(self) -> frozenset[str]:
        return frozenset()

    def __call__(self, chosen_score: N, rejected_score: N, margin: N | None = None) -> N:
        target = margin if self.target is None else self.target
        return (chosen_score - rejected_score - target) ** 2


_scores = {"chosen_score": [1.0, 0.0], "rejected_score": [0.0, 0.0]}
witness = (
    Witness(
        Square(),
        parent=Logistic(),
        given=_scores,
        returns=[0.25, 0.25],
        gradient={"chosen_score": [1.0, -1.0], "rejected_score": [-1.0, 1.0]},
    ),
    Witness(
        Square(target=None),
        parent=Square(),
        given=_scores | {"margin": [3.0, -1.0]},
        returns=[4.0, 1.0],
        gradient={"chosen_score": [-4.0, 2.0], "rejected_score": [4.0, -2.0]},
    ),
)


def _equal_margins(inputs: dict) -> dict:
    return inputs | {"margin": torch.full_like(inputs["margin"], 0.5)}


limits = (Limit(Square(target=None), equals=Square(target=0.5), when="every pair has the margin 1/2", under=_equal_margins),)
