"""Pointwise square: the score of each side is to have a given size.

    loss = (chosen_score - target)^2 + (rejected_score + target)^2        [N], in units of the score squared

On the log-ratio of ``beta`` = 1 / eta with ``target`` 1/2 it is SPPO's loss with certain labels, times beta^2.

Source: SPPO, arXiv 2405.00675, eq. 4.7 with winning probabilities 1 and 0 (the number is the one that TRL's source gives for ``sppo_hard``).
Differs from Square: each side has a size of its own, so that both probabilities cannot fall together.
"""

from dataclasses import dataclass

from guerdon.losses.comparisons.square import Square
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class PointwiseSquare:
    target: float = 0.5

    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        return (chosen_score - self.target) ** 2 + (rejected_score + self.target) ** 2


_scores = {"chosen_score": [1.0], "rejected_score": [0.0]}
witness = (
    Witness(PointwiseSquare(), parent=Square(), given=_scores, returns=[0.5], gradient={"chosen_score": [1.0], "rejected_score": [1.0]}),
    Witness(
        PointwiseSquare(target=2.0),
        parent=PointwiseSquare(),
        given=_scores,
        returns=[5.0],
        gradient={"chosen_score": [-2.0], "rejected_score": [4.0]},
    ),
)
