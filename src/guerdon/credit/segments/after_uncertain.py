"""After uncertain steps: segments in which the policy decided equally often.

    a step is a cutpoint if exp(old_logp_t) < probability
    segment_t = (cutpoints among the acted steps before t) // cutpoints        [B, T]

Between two cutpoints hardly anything could have gone otherwise, so that a value that was estimated at one holds until the next.

Source: SPO, arXiv 2505.23564 (adaptive cutpoints), in whose code ``probability`` is 0.9; ``cutpoints`` 5: its SPO-chain on GSM8K.
Differs from EveryN: what was certain takes no time.
"""

from dataclasses import dataclass
from math import log

from guerdon.credit.segments._starts import before
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.quantities import BT, Mask, Segment
from guerdon.steps import clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class AfterUncertain:
    probability: float = 0.9
    cutpoints: int = 5

    def __post_init__(self) -> None:
        if self.probability <= 0 or self.cutpoints < 1:
            raise InputError(f"{self}: a step is uncertain below a probability above 0, and a segment has 1 cutpoint or more")

    def __call__(self, old_logp: BT, mask: Mask) -> Segment:
        return before(mask & (clean(old_logp, mask) < log(self.probability))) // self.cutpoints


_said = {"old_logp": [[-1.0, -0.01, -1.0, -0.3, -9.0, -0.02]], "mask": [[1, 1, 1, 1, 0, 1]]}
witness = (
    Witness(AfterUncertain(cutpoints=2), parent=EveryN(n=2), given=_said, returns=[[0, 0, 0, 1, 1, 1]]),
    Witness(AfterUncertain(cutpoints=1), parent=AfterUncertain(cutpoints=2), given=_said, returns=[[0, 1, 1, 2, 3, 3]]),
    Witness(AfterUncertain(probability=0.5, cutpoints=1), parent=AfterUncertain(cutpoints=1), given=_said, returns=[[0, 1, 1, 2, 2, 2]]),
)
