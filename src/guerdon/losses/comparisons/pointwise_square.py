"""Pointwise square: the score of each side is to have a given size.

    loss = (chosen_score - target)^2 + (rejected_score + target)^2        [N], in units of the score squared

``target`` is a number, or, when None, ``preference`` - 1/2: by how much the chosen side is likelier to win than to lose. On the log-ratio of ``beta`` = 1 / eta it is
SPPO's loss, times beta^2: with 1/2 that of certain labels, with None that of labels that say how sure they are. Where each answer has a win rate of its own, the data
are no pairs: see ``losses.verdicts.square``.

Source: SPPO, arXiv 2405.00675, eq. 4.7 (the number is the one that TRL's source gives for ``sppo_hard``); None: the win rate of a pair's side against the other, for
its win rate against the policy.
Differs from Square: each side has a size of its own, so that both probabilities cannot fall together.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.comparisons.square import Square
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class PointwiseSquare:
    target: float | None = 0.5  # None: of the column ``preference``

    def needs(self) -> frozenset[str]:
        return frozenset({"chosen_score", "rejected_score"} | ({"preference"} if self.target is None else set()))

    def wants(self) -> frozenset[str]:
        return frozenset()

    def __call__(self, chosen_score: N, rejected_score: N, preference: N | None = None) -> N:
        target = preference - 0.5 if self.target is None else self.target
        return (chosen_score - target) ** 2 + (rejected_score + target) ** 2


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
    Witness(  # a target of 1/4
        PointwiseSquare(target=None),
        parent=PointwiseSquare(),
        given=_scores | {"preference": [0.75]},
        returns=[0.625],
        gradient={"chosen_score": [1.5], "rejected_score": [0.5], "preference": [-1.0]},
    ),
)


def _certain(inputs: dict) -> dict:
    """Preferences that are certain."""
    return inputs | {"preference": torch.ones_like(inputs["preference"])}


limits = (Limit(PointwiseSquare(target=None), equals=PointwiseSquare(), when="the preference is certain", under=_certain),)
