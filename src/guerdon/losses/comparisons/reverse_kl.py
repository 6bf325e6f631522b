"""Reverse KL: how far the policy's own idea of who wins is from what the label says, weighed by the policy's idea.

    loss = KL(q || p) = q log(q / p) + (1 - q) log((1 - q) / (1 - p)),   q = sigmoid(d),   p = 1 - s        [N], nats
    d loss / d d = q (1 - q) (d - log(p / (1 - p))),                     d = chosen_score - rejected_score

``label_smoothing`` (s) is the probability that the label is wrong; it must not be 0, where the loss is infinite. 1e-3 is TRL's default.

Source: EXO, arXiv 2402.00856, eq. 16 (the pairwise form; the number is the one that TRL's source gives).
Differs from Logistic: the two distributions change places, so that the policy seeks a mode instead of covering all. The gradient fades not only
where the pair is told apart as the label says, but also where it is told apart the other way for sure.
"""

import math
from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.errors import InputError
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class ReverseKL:
    label_smoothing: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 < self.label_smoothing < 1:
            raise InputError(
                f"reverse_kl needs a label_smoothing between 0 and 1, not {self.label_smoothing}: a sure label makes it infinite"
            )

    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        d, wrong = chosen_score - rejected_score, self.label_smoothing
        wins, loses = F.logsigmoid(d), F.logsigmoid(-d)
        return wins.exp() * (wins - math.log1p(-wrong)) + loses.exp() * (loses - math.log(wrong))


witness = (
    Witness(  # q = 3/4 is what the label says
        ReverseKL(label_smoothing=0.25),
        parent=Logistic(label_smoothing=0.25),
        given={"chosen_score": [LN3], "rejected_score": [0.0]},
        returns=[0.0],
        gradient={"chosen_score": [0.0], "rejected_score": [0.0]},
    ),
    Witness(  # q = 1/2: ln(2/3) / 2 + ln(2) / 2, and a quarter of -ln 3
        ReverseKL(label_smoothing=0.25),
        parent=ReverseKL(),
        given={"chosen_score": [0.0], "rejected_score": [0.0]},
        returns=[(LN4 - LN3) / 2],
        gradient={"chosen_score": [-LN3 / 4], "rejected_score": [LN3 / 4]},
    ),
)
