"""Belief error: by how much somebody who sees only a part of what happened thinks too well, or too ill, of it.

    believed = belief @ worth,   over = max(0, believed - worth)   or   under = max(0, worth - believed)        [T], in units of the worth

``worth`` [T]: what each course of events is worth; ``belief`` [T, T]: how likely each (column) is in the eyes of who observed one (row), and each of its rows sums to 1.
``way`` says which of the two is measured. A policy that raises the first, and what is believed of it, inflates its performance deceptively; one that lowers the second, at
the price of what it is worth, over-justifies.

Source: Lang et al. 2024, When Your AIs Deceive You, arXiv 2402.17747: overestimation and underestimation error, deceptive inflation and overjustification. Default: none there.
Differs from GoldAgainstProxy: of each course of events, and in the two directions apart.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class BeliefError:
    way: Literal["over", "under"] = "over"

    def __post_init__(self) -> None:
        if self.way not in ("over", "under"):
            raise InputError(f"belief error goes one of two ways, over or under, not {self.way!r}")

    def __call__(self, worth, belief) -> np.ndarray:
        worth, belief = np.asarray(worth, dtype=float), np.asarray(belief, dtype=float)
        if belief.shape != (len(worth), len(worth)):
            raise InputError(f"a belief over {len(worth)} courses of events is [{len(worth)}, {len(worth)}], not {list(belief.shape)}")
        believed = belief @ worth
        return np.maximum(believed - worth if self.way == "over" else worth - believed, 0.0)


# Two courses of events look alike, and each is thought as likely as the other: 4 and 0 are both believed to be worth 2. The third is seen as it is.
_given = {"worth": [4.0, 0.0, 1.0], "belief": [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]}
witness = (
    Witness(BeliefError(), parent=BeliefError("under"), given=_given, returns=[0.0, 2.0, 0.0]),
    Witness(BeliefError("under"), parent=BeliefError(), given=_given, returns=[2.0, 0.0, 0.0]),
)
