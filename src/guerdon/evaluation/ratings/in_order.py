"""In order: ratings that move from battle to battle, as they come.

    belief[first], belief[second] = update(belief[first], belief[second], outcome)        for one battle after another

returns [M], of each item the update's ``rating`` of what is believed of it at the end. ``foretold`` gives besides what was expected of each battle before it was seen,
which is how such ratings are judged: no battle is used twice.

Source: Elo 1978, The Rating of Chessplayers, Past and Present; foretelling before updating (prequential): Dawid 1984.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from guerdon.evaluation.rating_updates import RatingUpdate
from guerdon.evaluation.rating_updates.elo import Elo
from guerdon.evaluation.ratings import battles
from guerdon.witness import Witness


@dataclass(frozen=True)
class InOrder:
    update: RatingUpdate = field(default_factory=Elo)

    def __call__(self, first: Any, second: Any, outcome: Any, items: int, topic: Any = None) -> np.ndarray:
        return self.foretold(first, second, outcome, items)[1]

    def foretold(self, first: Any, second: Any, outcome: Any, items: int) -> tuple[np.ndarray, np.ndarray]:
        """[N], the chance of the first against the second before each battle, and [M], the ratings after all."""
        beliefs = [self.update.start] * items
        chances = []
        for a, b, said in zip(*(values.tolist() for values in battles(first, second, outcome, items)), strict=True):
            chances.append(self.update.expected(beliefs[a], beliefs[b]))
            beliefs[a], beliefs[b] = self.update(beliefs[a], beliefs[b], said)
        return np.array(chances), np.array([self.update.rating(belief) for belief in beliefs])


# 1500 each, expected 1/2: the first wins 16; then 16 ahead, it is expected to win by 1 / (1 + 10^(-32 / 400)) and loses 32 times that.
_e = 1 / (1 + 10 ** (-32 / 400))
witness = Witness(
    InOrder(Elo(k=32)),
    given={"first": [0, 1], "second": [1, 0], "outcome": [1, 1], "items": 3},
    returns=[1516 - 32 * _e, 1484 + 32 * _e, 1500],
    parent=InOrder(Elo(k=16)),
)
