"""Listwise: a ranking is a score times a likelihood of the order.

    loss = ranking(score(candidates), reward, group)        [B]

``Listwise(LogRatio(0.1), PlackettLuce())`` is DPO on rankings. Candidates are plain sequences, those of one ``group`` are ranked by ``reward``: rows of the ranking
format, or the rollouts of a group.

Source: the composition is ours; DPO, arXiv 2305.18290, appendix, on Plackett-Luce, is the instance that the witness shows.
Differs from Pairwise: any number of candidates.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.rankings import Ranking
from guerdon.losses.rankings.plackett_luce import LN2, PlackettLuce
from guerdon.losses.scores import Score
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.parts import call, needs, wants
from guerdon.quantities import B
from guerdon.witness import Witness

_SCORE = frozenset({"score"})


@dataclass(frozen=True)
class Listwise:
    per_item: ClassVar[bool] = True  # a loss per candidate, not per step

    score: Score
    ranking: Ranking

    def needs(self) -> frozenset[str]:
        return needs(self.score) | (needs(self.ranking) - _SCORE)

    def wants(self) -> frozenset[str]:
        return wants(self.score) | (wants(self.ranking) - _SCORE)

    def __call__(self, **quantities: Tensor) -> B:
        return call(self.ranking, {**quantities, "score": call(self.score, quantities)})


witness = Witness(  # log-ratios of 0 and ln 3 with a beta of 1: the better one has 1/4
    Listwise(LogRatio(beta=1.0), PlackettLuce()),
    parent=Pairwise(LogRatio(beta=1.0), Logistic()),
    given={
        "logp": [[-1.0, -1.0], [-1.0, 0.0]],
        "ref_logp": [[-1.5, -0.5], [-2.0986122886681098, 0.0]],
        "mask": [[1, 1], [1, 0]],
        "reward": [2.0, 1.0],
        "group": [0, 0],
    },
    returns=[2 * LN2, 0.0],
    gradient={"logp": [[-0.75, -0.75], [0.75, 0.0]], "ref_logp": None},
)
