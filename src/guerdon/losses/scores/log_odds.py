"""Log-odds: the odds of a step, on the geometric average over the sequence, for against everything else.

    score = beta * (m - log(1 - exp(m))),   m = mean over acted steps of logp        [B], nats times beta

Source: ORPO, arXiv 2403.07691: the odds are those of the length-averaged likelihood (``odds_ratio_loss`` of TRL has the same form).
ORPO weighs the comparison by lambda = 0.1 and adds SFT on the chosen side. ``beta``, as in DPO, makes it a second stage after SFT: arXiv 2502.01237,
section 3.1.2; 1 is ORPO's own.
Differs from MeanLogProbability: grows as the sequence becomes certain, up to a gradient of 1e6; a likely rejected side is pushed away faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average
from guerdon.witness import Witness

SURE = 1e-6  # nats; what float32 can tell from a probability of 1


@dataclass(frozen=True)
class LogOdds:
    elsewhere: ClassVar[Mapping[str, str]] = {"beta": "the weight of ORPO's comparison (recipe.terms.1.weight)"}

    beta: float = 1.0

    def __call__(self, logp: BT, mask: Mask) -> B:
        mean = average(logp, mask)
        held = mean.clamp(max=-SURE)  # nearer to 0 the tangent: a sequence that is certain has infinite odds
        return self.beta * (held - (-held.expm1()).log() + (mean - held) / SURE)


LN3 = 1.0986122886681098
LN4 = 1.3862943611198906
_likely = {"logp": [[LN3 - LN4, LN3 - LN4, 9.0]], "mask": [[1, 1, 0]]}  # 3/4 a step: odds of 3
witness = (
    Witness(  # the derivative by the mean is 1 / (1 - 3/4)
        LogOdds(), parent=MeanLogProbability(beta=1.0), given=_likely, returns=[LN3], gradient={"logp": [[2.0, 2.0, 0.0]]}
    ),
    Witness(LogOdds(beta=0.5), parent=LogOdds(), given=_likely, returns=[LN3 / 2], gradient={"logp": [[1.0, 1.0, 0.0]]}),
)
