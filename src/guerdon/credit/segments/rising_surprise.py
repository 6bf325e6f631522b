"""Rising surprise: a macro-action goes on as long as each step is at least as expected as the one before.

    a segment begins at each acted step with ref_logp_t < ref_logp_(t-1)        [B, T]

Words are finished by tokens that the reference finds ever more likely; a less likely one begins something new.

Source: MA-RLHF, arXiv 2410.02743 (perplexity), and its authors' code, ``ppl_selection``, which reads the reference model; it cuts one step earlier, before the
last expected step.
Differs from EveryN: the reference says where, so that what belongs together stays together.
"""

from dataclasses import dataclass

from guerdon.credit.segments._starts import last_acted, numbered
from guerdon.credit.segments.every_n import EveryN
from guerdon.quantities import BT, Mask, Segment
from guerdon.steps import clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class RisingSurprise:
    def __call__(self, ref_logp: BT, mask: Mask) -> Segment:
        logp = clean(ref_logp, mask)
        return numbered(logp < last_acted(logp, mask), mask)


witness = Witness(
    RisingSurprise(),
    parent=EveryN(n=2),
    given={"ref_logp": [[-2.0, -1.0, -1.0, -3.0, -9.0, -2.0]], "mask": [[1, 1, 1, 1, 0, 1]]},
    returns=[[0, 0, 0, 1, 1, 1]],
)
