"""Bounded advantage: the chosen side is to be ahead, and neither side far from nothing.

    loss = -log sigmoid(c - r) - log sigmoid(m - c) - log sigmoid(m + r),   c = chosen_score, r = rejected_score        [N], nats

so that scores are advantages: what an answer is worth beyond what answers to its prompt are worth on average, and at most about m, whatever
the task. m is ``bound``, or the column ``bound`` of a pair, that of its prompt, where the data have one.

Source: the advantage model of Peng et al. 2023, arXiv 2309.10202, its abstract and summaries: a pairwise loss, and terms that keep scores
under a margin m(x) of the prompt. That these are logistic and count as much as the comparison, and ``bound`` 2: ours.
Differs from Logistic: a score has a zero of its own, and being ever surer costs more than it brings.
"""

import math
from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.errors import InputError
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class BoundedAdvantage:
    bound: float = 2.0

    def __post_init__(self) -> None:
        if not self.bound > 0:
            raise InputError(f"bounded_advantage.bound is {self.bound}; give a number above 0")

    def __call__(self, chosen_score: N, rejected_score: N, bound: N | None = None) -> N:
        m = self.bound if bound is None else bound
        ahead = F.logsigmoid(chosen_score - rejected_score)
        return -ahead - F.logsigmoid(m - chosen_score) - F.logsigmoid(m + rejected_score)


_pair = {"chosen_score": [LN3], "rejected_score": [0.0]}
_inside = LN4 - LN3  # -log sigmoid(ln 3)
witness = (
    Witness(  # ahead by ln 3; the chosen side is at its bound, the rejected one ln 3 within
        BoundedAdvantage(LN3),
        parent=Logistic(),
        given=_pair,
        returns=[2 * _inside + math.log(2)],
        gradient={"chosen_score": [-0.25 + 0.5], "rejected_score": [0.25 - 0.25]},
    ),
    Witness(  # twice as far: both are ln 3 and 2 ln 3 within
        BoundedAdvantage(2 * LN3),
        parent=BoundedAdvantage(LN3),
        given=_pair,
        returns=[2 * _inside + math.log(10 / 9)],
        gradient={"chosen_score": [-0.25 + 0.25], "rejected_score": [0.25 - 0.1]},
    ),
    Witness(  # the pair's own bound counts
        BoundedAdvantage(2 * LN3),
        parent=Logistic(),
        given={**_pair, "bound": [LN3]},
        returns=[2 * _inside + math.log(2)],
        gradient={"chosen_score": [0.25], "rejected_score": [0.0]},
    ),
)
