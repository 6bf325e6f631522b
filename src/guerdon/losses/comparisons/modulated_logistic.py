"""Modulated logistic: logistic where the pair is told apart wrongly, exponential where it is told apart rightly.

    loss = (1 - m) (-log sigmoid(d)) + m exp(-d),   m = sigmoid(d / temperature),   d = chosen_score - rejected_score        [N]

The gradient flows through m too. It is not convex: where d is small and negative, the loss has a bump.

Source: DiscoPOP, arXiv 2406.08414, eq. 5 (the number is the one that TRL's source gives), found by a search over programs. ``temperature``
0.05: TRL's default.
Differs from Logistic: the blend.
"""

from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.exponentials import exp
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class ModulatedLogistic:
    temperature: float = 0.05

    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        d = chosen_score - rejected_score
        scaled = d / self.temperature
        # m e^-d as one exponential: by itself e^-d overflows where m is 0
        return -(-scaled).sigmoid() * F.logsigmoid(d) + exp(F.logsigmoid(scaled) - d)


_apart = {"chosen_score": [LN3], "rejected_score": [0.0]}
_slope = 0.1875 * (1 / 3 - (LN4 - LN3)) - 0.25 * 0.25 - 0.25  # m' (e^-d + log sigmoid d) - (1 - m) sigmoid(-d) - m e^-d
witness = (
    Witness(  # m = 3/4: a quarter of ln(4/3), and three quarters of 1/3
        ModulatedLogistic(temperature=1.0),
        parent=Logistic(),
        given=_apart,
        returns=[(LN4 - LN3) / 4 + 0.25],
        gradient={"chosen_score": [_slope], "rejected_score": [-_slope]},
    ),
    Witness(ModulatedLogistic(temperature=1.0), parent=ModulatedLogistic(), given=_apart, returns=[(LN4 - LN3) / 4 + 0.25]),
)
