"""Davidson: the negative log-likelihood of a comparison that may end in a tie, as likely as the geometric mean of the two wins says.

    loss = log(1 + exp(-d) + 2 nu exp(-d / 2)) - tie (log(2 nu) - d / 2),   d = chosen_score - rejected_score        [N], nats

``tie`` is 1 where the two sides were called equal, 0 where the chosen one was preferred; without that column no pair is tied. Of two equal sides nu / (1 + nu)
of the comparisons are ties; the odds of the two wins, exp(d), are those of Bradley-Terry whatever ``nu`` is.

Source: Davidson 1970; in DPO: DPO-D, Chen et al. 2024, arXiv 2409.17431, whose 2 nu is Davidson's nu. ``nu`` 1: ours, so that half of the comparisons of equal
sides are ties.
Differs from RaoKupper: ties take from both wins alike, so that the odds of the two are left as they were.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.comparisons.logistic import LN4, Logistic
from guerdon.losses.comparisons.rao_kupper import RaoKupper
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Davidson:
    nu: float = 1.0

    def __post_init__(self) -> None:
        if self.nu <= 0:
            raise InputError(f"davidson needs a nu above 0, not {self.nu}: at 0 there are no ties")

    def __call__(self, chosen_score: N, rejected_score: N, tie: N | None = None) -> N:
        d = chosen_score - rejected_score
        ties: Tensor = math.log(2 * self.nu) - d / 2
        loss = torch.stack([torch.zeros_like(d), -d, ties]).logsumexp(0)
        return loss if tie is None else loss - tie * ties


_leads = {"chosen_score": [LN4, LN4, 0.0], "rejected_score": [0.0, 0.0, 0.0], "tie": [0.0, 1.0, 1.0]}
witness = (
    Witness(  # at d = ln 4: 1 + 1/4 + 2 / 2, so that a win has 4/9, and so has a tie; of two equal sides a tie has 1/2
        Davidson(),
        parent=RaoKupper(),
        given=_leads,
        returns=[math.log(9 / 4), math.log(9 / 4), LN4 / 2],
        gradient={"chosen_score": [-1 / 3, 1 / 6, 0.0], "rejected_score": [1 / 3, -1 / 6, 0.0]},
    ),
    Witness(  # 1 + 1/4 + 4 / 2
        Davidson(nu=2.0),
        parent=Davidson(),
        given={"chosen_score": [LN4], "rejected_score": [0.0]},
        returns=[math.log(13 / 4)],
        gradient={"chosen_score": [-5 / 13]},
    ),
)
limits = (Limit(Davidson(nu=1e-12), equals=Logistic(), when="no pair is tied and nu goes to 0"),)
