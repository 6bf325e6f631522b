"""Negative entropy: minus the mean entropy of the next step along an answer: the surer of every step, the better.

    reward = -mean over acted steps of H(p(. | what was said before))        [B], nats; at most 0

``recast: own_conclusion`` measures the steps of what the answer comes to, and no others.

Source: RENT, Prabhudesai et al. 2025, arXiv 2505.22660, and its authors' code; which steps to measure: its comparison of them (the last ones, the answer's, tell most).
Invalid where the policy is sure for want of anything to say: it is also maximised by one sentence that is always said.
"""

from dataclasses import dataclass

from guerdon.feedback.intrinsic import SelfMade
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average
from guerdon.witness import Witness


@dataclass(frozen=True)
class NegativeEntropy(SelfMade):
    def __call__(self, entropy: BT, mask: Mask) -> B:
        return -average(entropy, mask)


witness = Witness(NegativeEntropy(), given={"entropy": [[0.5, 0.25], [1.0, 9.0]], "mask": [[1, 1], [1, 0]]}, returns=[-0.375, -1.0])
