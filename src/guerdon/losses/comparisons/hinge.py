"""Hinge: the chosen side is to lead by ``delta``; beyond that there is nothing to gain.

    loss = max(0, delta - d),   d = chosen_score - rejected_score        [N], in units of the score

Source: SLiC-HF, arXiv 2305.10425, on log-probabilities (its regularisation towards the SFT data is a term of its own); on log-ratios, RSO,
arXiv 2309.06657, and TRL, where ``delta`` is 1.
Differs from Logistic: the gradient does not fade but stops, so a pair that is told apart no longer pulls on the policy.
"""

from dataclasses import dataclass

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class Hinge:
    delta: float = 1.0

    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        return (self.delta - (chosen_score - rejected_score)).relu()


_leads = {"chosen_score": [2.0, 0.5], "rejected_score": [0.0, 0.0]}
witness = (
    Witness(
        Hinge(),
        parent=Logistic(),
        given=_leads,
        returns=[0.0, 0.5],
        gradient={"chosen_score": [0.0, -1.0], "rejected_score": [0.0, 1.0]},
    ),
    Witness(
        Hinge(delta=3.0),
        parent=Hinge(),
        given=_leads,
        returns=[1.0, 2.5],
        gradient={"chosen_score": [-1.0, -1.0], "rejected_score": [1.0, 1.0]},
    ),
)
