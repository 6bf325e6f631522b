"""Entropy: certainty is punished, so the policy keeps its options.

    penalty = -entropy        [B, T], nats

As a term of the loss with a positive weight it is the entropy bonus. It is exact for each step, not estimated from the step taken; the
steps' effect on what states are reached is left out.

Source: Williams and Peng 1991; A3C, arXiv 1602.01783, section 4; PPO, arXiv 1707.06347, eq. 9.
Differs from the KL penalties: pulls towards the uniform distribution rather than a reference.
"""

from dataclasses import dataclass

from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class Entropy:
    def __call__(self, entropy: BT) -> BT:
        return -entropy


witness = Witness(
    Entropy(), parent=KLDirect(), given={"entropy": [[1.5, 0.0]]}, returns=[[-1.5, 0.0]], gradient={"entropy": [[-1.0, -1.0]]}
)
