"""Rao-Kupper: the negative log-likelihood of a comparison that may end in a tie, where a side has to lead by something to be preferred.

    loss = -(1 - tie) log sigmoid(d - a) - tie (log(nu^2 - 1) + log sigmoid(d - a) + log sigmoid(-d - a)),
    d = chosen_score - rejected_score,   a = log nu        [N], nats

``tie`` is 1 where the two sides were called equal, 0 where the chosen one was preferred; without that column no pair is tied. ``nu``, above 1, says how much is
needed: of two equal sides (nu - 1) / (nu + 1) of the comparisons are ties.

Source: Rao and Kupper 1967; in DPO: DPO-RK, Chen et al. 2024, arXiv 2409.17431. ``nu`` 3: ours, so that half of them are.
Differs from Logistic: a tie pulls the two scores together, and has a probability of its own that is largest where they are equal.
"""

import math
from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.errors import InputError
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class RaoKupper:
    nu: float = 3.0

    def __post_init__(self) -> None:
        if self.nu <= 1:
            raise InputError(f"rao_kupper needs a nu above 1, not {self.nu}: at 1 there are no ties")

    def __call__(self, chosen_score: N, rejected_score: N, tie: N | None = None) -> N:
        d, needed = chosen_score - rejected_score, math.log(self.nu)
        wins = -F.logsigmoid(d - needed)
        if tie is None:
            return wins
        return wins - tie * (math.log(self.nu**2 - 1) + F.logsigmoid(-d - needed))


LN2 = LN4 / 2
_leads = {"chosen_score": [LN3, LN3, 0.0], "rejected_score": [0.0, 0.0, 0.0], "tie": [0.0, 1.0, 1.0]}
witness = (
    Witness(  # at d = ln 3 a win has 1/2, a tie 8 / 2 / 10; of two equal sides a tie has 1/2
        RaoKupper(),
        parent=Logistic(),
        given=_leads,
        returns=[LN2, math.log(2.5), LN2],
        gradient={"chosen_score": [-0.5, 0.4, 0.0], "rejected_score": [0.5, -0.4, 0.0]},
    ),
    Witness(  # at d = ln 2 a win has 1/2
        RaoKupper(nu=2.0),
        parent=RaoKupper(),
        given={"chosen_score": [LN2], "rejected_score": [0.0]},
        returns=[LN2],
        gradient={"chosen_score": [-0.5]},
    ),
)
limits = (
    Limit(RaoKupper(nu=3.0), equals=Logistic(lead=LN3), when="no pair is tied: nu is a lead of log nu"),
    Limit(RaoKupper(nu=1 + 1e-12), equals=Logistic(), when="no pair is tied and nu goes to 1"),
)
