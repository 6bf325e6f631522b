"""Rewriter likelihood: a step was as good as somebody who was shown the answer, and puts right what is wrong in it and nothing else, is likely to leave it there.

    lead_t      = exp(rewriter_logp_t) - centre
    advantage_t = min(max(lead_t, 0), most) where reward > threshold, else -min(max(-lead_t, 0), least)        [B, T], without unit

``rewriter_logp``: the log-probability of each step by a model that learned to rewrite wrong answers under as few edits as may be, and is shown this one. What it would replace is
blamed and the rest of a wrong answer is left alone; in a right one everything that it would leave is praised.

Source: RLMEC, Chen et al. 2024, arXiv 2401.06081, and its authors' code (Timothy023/RLMEC, ``gen_rlmec_data_math.py``, ``get_prob``), whose numbers are the defaults: 0.5, right
answers clipped to 0 ... 0.5, wrong ones to -0.1 ... 0.
Differs from SignedWeight: each step of an answer by itself.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.advantages.signed_weight import SignedWeight
from guerdon.quantities import BT, B, Mask
from guerdon.steps import clean
from guerdon.thresholds import exceeds
from guerdon.witness import Witness


@dataclass(frozen=True)
class RewriterLikelihood:
    centre: float = 0.5
    most: float = 0.5
    least: float = 0.1
    threshold: float = 0.0

    def __call__(self, rewriter_logp: BT, reward: B, mask: Mask) -> BT:
        lead = clean(rewriter_logp.detach(), mask).exp() - self.centre
        right = exceeds(reward, self.threshold).unsqueeze(-1)
        return clean(torch.where(right, lead.clamp(0, self.most), lead.clamp(-self.least, 0)), mask)


LN2, LN4 = 0.6931471805599453, 1.3862943611198906
_said = {
    "rewriter_logp": [[0.0, -LN4, -9.0], [-LN2, -LN4, 0.0]],
    "reward": [1.0, 0.0],
    "mask": [[1, 1, 0], [1, 1, 1]],
}  # 1, 1/4; 1/2, 1/4, 1
witness = (
    Witness(RewriterLikelihood(), parent=SignedWeight(), given=_said, returns=[[0.5, 0.0, 0.0], [0.0, -0.1, 0.0]]),
    Witness(RewriterLikelihood(centre=0.75), parent=RewriterLikelihood(), given=_said, returns=[[0.25, 0.0, 0.0], [-0.1, -0.1, 0.0]]),
    Witness(RewriterLikelihood(most=0.25), parent=RewriterLikelihood(), given=_said, returns=[[0.25, 0.0, 0.0], [0.0, -0.1, 0.0]]),
    Witness(RewriterLikelihood(least=1.0), parent=RewriterLikelihood(), given=_said, returns=[[0.5, 0.0, 0.0], [0.0, -0.25, 0.0]]),
    Witness(RewriterLikelihood(threshold=-0.5), parent=RewriterLikelihood(), given=_said, returns=[[0.5, 0.0, 0.0], [0.0, 0.0, 0.5]]),
)
