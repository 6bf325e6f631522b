"""Floored logistic: the reference's lead is the target only where it is a right one; the chosen side is to be the likelier one by itself.

    loss = -log sigmoid(beta (d - target)),   d = chosen_score - rejected_score        [N], nats
    target = r + log(1 + exp(tau (floor - r))) / tau,   r = chosen_ref_score - rejected_ref_score        about max(r, floor)

The score is one without a reference, the policy's own log-probability (``LogProbability(1.0)``, ``MeanLogProbability(1.0)``): what the
reference scores is asked for by itself, and gets no gradient. ``tau`` None: the target is exactly max(r, floor).

Source: constrained preference optimization, arXiv 2605.20834, in the two forms that its authors' code gives: the smooth one and ``clip``,
which is ``tau`` None with a floor of 0. The paper's own derivation (its eq. 17, as an independent reproduction of it states it) ends in
another target, r + gamma (1 / pi_ref(chosen) + 1 / pi_ref(rejected)) / beta, which has no use with sequences: their likelihoods are 1e-100
and less. It is the column ``margin`` of Logistic. Defaults: ``floor`` 0.5, ``tau`` 2 and ``beta`` 0.1 are the code's.
Differs from Logistic on a log-ratio (DPO): there the target is r even where it is negative, and a policy that still prefers the rejected
side, less so than the reference, counts as improved. Invalid as a likelihood of soft labels: the two orders of a pair have targets that are
not each other's opposite.
"""

import math
from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class FlooredLogistic:
    beta: float = 0.1
    floor: float = 0.5
    tau: float | None = 2.0

    def __call__(self, chosen_score: N, rejected_score: N, chosen_ref_score: N, rejected_ref_score: N) -> N:
        theirs = (chosen_ref_score - rejected_ref_score).detach()
        below = self.floor - theirs
        raised = below.relu() if self.tau is None else F.softplus(self.tau * below) / self.tau
        return -F.logsigmoid(self.beta * (chosen_score - rejected_score - (theirs + raised)))


_pair = {  # the reference prefers the rejected side by ln 3, the policy neither
    "chosen_score": [0.0],
    "rejected_score": [0.0],
    "chosen_ref_score": [-1.0 - LN3],
    "rejected_ref_score": [-1.0],
}
_hard, _none = (FlooredLogistic(beta=1.0, floor=floor, tau=None) for floor in (0.0, -math.inf))
witness = (
    Witness(  # a reference that is right, by ln 3, is the target
        _hard,
        parent=Logistic(),
        given=_pair | {"chosen_ref_score": [LN3 - 1.0]},
        returns=[LN4],
        gradient={"chosen_score": [-0.75], "rejected_score": [0.75], "chosen_ref_score": None, "rejected_ref_score": None},
    ),
    Witness(  # of one that is wrong, 0; without a floor the policy is half content where it is as wrong as the reference
        _hard,
        parent=_none,
        given=_pair | {"chosen_score": [-LN3]},
        returns=[LN4],
        gradient={"chosen_score": [-0.75], "rejected_score": [0.75]},
    ),
    Witness(FlooredLogistic(beta=1.0, floor=LN3, tau=None), parent=_hard, given=_pair, returns=[LN4], gradient={"chosen_score": [-0.75]}),
    Witness(  # at the floor the smooth target is ln 2 above it: ln 2 - ln 3
        FlooredLogistic(beta=1.0, floor=-LN3, tau=1.0),
        parent=FlooredLogistic(beta=1.0, floor=-LN3, tau=None),
        given=_pair | {"chosen_score": [LN4 / 2 - LN3]},
        returns=[LN4 / 2],
        gradient={"chosen_score": [-0.5]},
    ),
    Witness(  # with tau 2, half of ln 2
        FlooredLogistic(beta=2.0, floor=-LN3),
        parent=FlooredLogistic(beta=2.0, floor=-LN3, tau=1.0),
        given=_pair | {"chosen_score": [LN4 / 4 - LN3]},
        returns=[LN4 / 2],
        gradient={"chosen_score": [-1.0]},
    ),
)
limits = (
    Limit(
        Pairwise(LogProbability(), FlooredLogistic(beta=0.3, floor=-math.inf, tau=None)),
        equals=Pairwise(LogRatio(beta=0.3), Logistic()),
        when="there is no floor: DPO",
    ),
)
