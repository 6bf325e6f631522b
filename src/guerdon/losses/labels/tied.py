"""Tied: where the two sides were called equal, either order is as good.

    p = 1 - tie / 2        [N], the column ``tie``: 1 for a tie, 0 for a decision

Source: ours; half a win for each, as ties are counted in leaderboards. A likelihood of its own for ties is a link.
Differs from Soft: the column says whether, not how surely.
"""

from dataclasses import dataclass

from guerdon.losses.labels.soft import Soft
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class Tied:
    def __call__(self, tie: N) -> N:
        return 1 - tie / 2


witness = Witness(Tied(), parent=Soft(), given={"tie": [1.0, 0.0], "preference": [0.6, 0.6]}, returns=[0.5, 1.0])
