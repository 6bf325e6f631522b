"""By likelihood: the scores at which what was said is likeliest, whatever the order in which it was.

    rating = argmax over scores of sum over battles of outcome log P(first) + (1 - outcome) log P(second) - ridge / 2 |score|^2        in nats, mean 0

A draw is half a win for each. ``likelihood`` has two answers, the first or the second; the default is Bradley-Terry's, whose scores Elo looks for too. ``ridge`` is the
precision of a normal prior, without which an item that never lost has no finite score.

Source: Zermelo 1929; Bradley and Terry 1952; on leaderboards in Elo's place since arXiv 2403.04132, section 4.
Differs from InOrder: all battles count the same.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from guerdon.evaluation.ratings import battles
from guerdon.evaluation.ratings.in_order import InOrder
from guerdon.exact.likelihoods._family import Choice
from guerdon.exact.likelihoods.bradley_terry import BradleyTerry
from guerdon.witness import Witness


@dataclass(frozen=True)
class ByLikelihood:
    likelihood: Choice = field(default_factory=BradleyTerry)
    ridge: float = 0.0

    def __call__(self, first: Any, second: Any, outcome: Any, items: int, topic: Any = None) -> np.ndarray:
        import torch

        from guerdon.exact.estimators.maximum_likelihood import MaximumLikelihood

        a, b, y = battles(first, second, outcome, items)
        wins = np.zeros((items, items))
        np.add.at(wins, (a, b), y)
        np.add.at(wins, (b, a), 1 - y)
        pairs = torch.from_numpy(np.argwhere(wins > 0))
        given = {"asked": pairs, "answer": torch.zeros(len(pairs), dtype=torch.long), "count": torch.from_numpy(wins[wins > 0])}
        score = MaximumLikelihood(self.likelihood, ridge=self.ridge)(**given, items=items).parameters["score"].numpy()
        return score - score.mean()


LN3 = 1.0986122886681098
witness = Witness(  # won once and drawn twice of three: 2 to 1; and the other way round 1 to 0: 3 to 1 in all
    ByLikelihood(),
    given={"first": [0, 0, 0, 1], "second": [1, 1, 1, 0], "outcome": [1, 0.5, 0.5, 0], "items": 2},
    returns=[LN3 / 2, -LN3 / 2],
    parent=InOrder(),
)
