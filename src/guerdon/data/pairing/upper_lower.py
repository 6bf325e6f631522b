"""Upper and lower: of the answers to a prompt, one of the better half against one of the worse half, so many times.

    question k of a group: its (2k)-th lot among the upper floor(n / 2), its (2k+1)-th among the lower, by reward        k < ``pairs``

Lots follow from the group's own answers by a fixed rule (multiples of the golden ratio), so that the same answers are always paired alike; two of equal reward are not asked
about. Of equal rewards the first drawn counts as the better.

Source: SWEET-RL, arXiv 2503.15478, and its authors' code (``generate_random_pairs_from_ranks.py``: sixteen candidates of a turn, ranked by the critic, ``num_pairs`` 4), which
draws its lots from a generator.
Differs from BestWorst: not the extremes, which a ranking that errs has the most wrong about, and several questions of a group.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.pairing.best_worst import BestWorst
from guerdon.errors import InputError
from guerdon.quantities import B, Group
from guerdon.witness import Witness

_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class UpperLower:
    pairs: int = 4

    def __post_init__(self) -> None:
        if self.pairs < 1:
            raise InputError(f"upper_lower: pairs is {self.pairs}; ask at least one question of a group")

    def __call__(self, reward: B, group: Group) -> Tensor:
        found = []
        for g in torch.unique(group):
            rows = (group == g).nonzero().squeeze(-1)
            ranked = rows[reward[rows].sort(descending=True, stable=True).indices]
            half = len(rows) // 2
            upper, lower = ranked[:half], ranked[half:]
            for k in range(self.pairs if half else 0):
                better, worse = upper[_lot(2 * k, half)], lower[_lot(2 * k + 1, len(lower))]
                if reward[better] > reward[worse]:
                    found.append(torch.stack([better, worse]))
        return torch.stack(found) if found else torch.zeros(0, 2, dtype=torch.long)


def _lot(place: int, among: int) -> int:
    return int(place * _GOLDEN % 1 * among)


_t = torch.tensor
witness = (
    Witness(  # ranked 2 0 | 3 1; lots 0 and .62, then .24 and .85, of two each
        UpperLower(pairs=2),
        parent=BestWorst(),
        given={"reward": _t([3.0, 0.0, 5.0, 1.0, 7.0, 7.0]), "group": _t([0, 0, 0, 0, 1, 1])},
        returns=[[2, 1], [2, 1]],
    ),
    Witness(
        UpperLower(pairs=3),
        parent=UpperLower(pairs=2),
        given={"reward": _t([3.0, 0.0, 5.0, 1.0]), "group": _t([0, 0, 0, 0])},
        returns=[[2, 1], [2, 1], [2, 3]],
    ),
)
