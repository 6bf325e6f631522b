"""Negative log-likelihood: make what the demonstrator did more likely (SFT, behaviour cloning).

    loss = -logp        [B, T], nats

Source: maximum likelihood; as fine-tuning on demonstrations, InstructGPT, arXiv 2203.02155, section 3.1. With only the best of several
samples as demonstrations it is RAFT, arXiv 2304.06767.
"""

from dataclasses import dataclass

from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class NegativeLogLikelihood:
    def __call__(self, logp: BT) -> BT:
        return -logp


witness = Witness(NegativeLogLikelihood(), given={"logp": [[-1.0, -2.0]]}, returns=[[1.0, 2.0]], gradient={"logp": [[-1.0, -1.0]]})
