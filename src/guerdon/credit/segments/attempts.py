"""Attempts: each of the answers that a sequence holds is one segment, with what the policy said on the way to it.

    segment = attempt        [B, T], as the sampler ``attempts`` recorded it

Source: the attempts of SCoRE, arXiv 2409.12917.
Differs from Turns: a critique and the answer that follows it are one segment.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.credit.segments.turns import Turns
from guerdon.quantities import Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class Attempts:
    def __call__(self, attempt: Tensor) -> Segment:
        return attempt.long()


witness = Witness(
    Attempts(),
    parent=Turns(),
    given={"attempt": [[0, 1, 1, 1, 1]], "mask": [[1, 0, 1, 0, 1]]},
    returns=[[0, 1, 1, 1, 1]],
)
