"""Probability gap: by how much the likeliest step is likelier than the one after it, along what an answer comes to.

    reward = mean over acted steps of (p of the likeliest - p of the second likeliest)        [B], 0 to 1

Source: RLSF, van Niekerk et al. 2025, arXiv 2507.21931: over the answer's span (``recast: own_conclusion``, the default here), the confidence
of CoT decoding, arXiv 2402.10200.
Differs from NegativeEntropy: only a rival makes it unsure, and a long tail does not.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.feedback.intrinsic import SelfMade
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.feedback.recasting import Recasting
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.quantities import B, Mask
from guerdon.steps import average
from guerdon.witness import Witness


@dataclass(frozen=True)
class ProbabilityGap(SelfMade):
    recast: Recasting | None = OwnConclusion()

    def __call__(self, top_logp: Tensor, mask: Mask) -> B:
        first = torch.where(mask.unsqueeze(-1), top_logp, 0.0)[..., :2].exp()
        gap = first[..., 0] - first[..., 1] if first.shape[-1] > 1 else first[..., 0]
        return average(gap, mask)


LN2 = 0.6931471805599453
witness = Witness(
    ProbabilityGap(),
    parent=NegativeEntropy(),
    given={"top_logp": [[[-LN2, -2 * LN2, -2 * LN2], [0.0, -99.0, -99.0]], [[-LN2, -LN2, -99.0]] * 2], "mask": [[1, 1], [1, 0]]},
    returns=[0.625, 0.0],
)
