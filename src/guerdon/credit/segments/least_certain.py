"""Least certain: a segment begins with each step of which the policy was among the least certain of all that it did.

    threshold = the floor(share * N)-th smallest of the old_logp of the N acted steps of the batch
    a segment begins at each acted step with old_logp_t <= threshold        [B, T]; equal ones all count, and with fewer than one such step nothing is cut

Where hardly anything could have gone otherwise no decision was made, however long it is; so a step of reasoning is what lies between two decisions. A sequence in which the
policy was sure is one segment.

Source: AdaptiveStep, arXiv 2502.13943, section 3 (the sampled token's probability below a threshold, which is the quantile at 2% of sampled tokens; that token begins a step).
Differs from AfterUncertain: the threshold follows from what was said, and a segment begins with the uncertain step where there it ends. From EntropyPeaks: what was drawn decides
and not the distribution, and sequences have as many segments as they were uncertain.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.credit.segments._starts import numbered
from guerdon.credit.segments.after_uncertain import AfterUncertain
from guerdon.errors import InputError
from guerdon.quantities import BT, Mask, Segment
from guerdon.steps import clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class LeastCertain:
    per_batch: ClassVar[bool] = True

    share: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError(f"least_certain.share is {self.share}; give a share of all steps, from 0 to 1")

    def __call__(self, old_logp: BT, mask: Mask) -> Segment:
        logp = clean(old_logp, mask)
        ranked = logp[mask].sort().values
        count = int(len(ranked) * self.share + 1e-9)
        starts = mask & (logp <= ranked[count - 1]) if count else mask & False
        return numbered(starts, mask)


_said = {"old_logp": [[-1.0, -0.01, -2.0, -9.0, -0.5], [-0.1, -3.0, -0.1, -0.1, -0.2]], "mask": [[1, 1, 1, 0, 1], [1, 1, 1, 0, 0]]}
witness = (
    Witness(LeastCertain(share=0.15), parent=AfterUncertain(), given=_said, returns=[[0, 0, 0, 0, 0], [0, 1, 1, 1, 1]]),
    Witness(LeastCertain(share=0.3), parent=LeastCertain(share=0.15), given=_said, returns=[[0, 0, 1, 1, 1], [0, 1, 1, 1, 1]]),
)
