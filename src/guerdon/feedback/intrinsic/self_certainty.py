"""Self-certainty: the mean distance of the next-step distribution from the uniform one along an answer.

    reward = mean over acted steps of KL(uniform || p(. | what was said before))        [B], nats; 0 and more

Source: Intuitor, Zhao et al. 2025, arXiv 2505.19590; its code leaves out log V, a constant that no group-relative advantage sees.
Differs from NegativeEntropy: which is KL(p || uniform) and a constant; this one covers the modes of the uniform distribution, so it hears of the steps that are not said.
"""

from dataclasses import dataclass

from guerdon.feedback.intrinsic import SelfMade
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average
from guerdon.witness import Witness


@dataclass(frozen=True)
class SelfCertainty(SelfMade):
    def __call__(self, self_certainty: BT, mask: Mask) -> B:
        return average(self_certainty, mask)


witness = Witness(
    SelfCertainty(),
    parent=NegativeEntropy(),
    given={"self_certainty": [[0.5, 0.25], [1.0, 9.0]], "mask": [[1, 1], [1, 0]]},
    returns=[0.375, 1.0],
)
