"""Outlying: of what is said of an answer's steps only what stands out is taken, and that is penalised.

    u_k      = (score_k - least) / (most - least)        least and most of the answer's own steps; 0 to 1
    reward_k = -u_k where u_k > threshold and u_k is among the ``count`` largest of the answer, else 0        [B, T], from -1 to 0

What a score's unit is, and how large it is in one answer or another, has no effect. An answer whose steps are all alike has no reward, also one of a single step. Of equal ones at
the end of the ``count`` the earlier are taken; ``count`` None takes all above the threshold.

Source: RLFR, arXiv 2510.10201, and its authors' code (Jinghaoleven/RLFR, ``openrlhf/models/utils.py``: ``normalize_flow_score``, ``postprocess_flow_score`` and the sign in
``compute_reward``), whose script has 0.6 and 15, the defaults; the score is there how far a step's hidden state deviates from those of right answers.
Differs from OnlyPenalties: a high score is bad, and each answer is its own measure.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.step_shaping.only_penalties import OnlyPenalties, _given
from guerdon.quantities import BT, Mask
from guerdon.steps import clean, divided
from guerdon.witness import Witness


@dataclass(frozen=True)
class Outlying:
    threshold: float = 0.6
    count: int | None = 15

    def __call__(self, step_score: BT, mask: Mask) -> BT:
        if not step_score.shape[-1]:
            return clean(step_score, mask)
        known = clean(step_score, mask)
        least = torch.where(mask, known, torch.inf).amin(-1, keepdim=True)
        most = torch.where(mask, known, -torch.inf).amax(-1, keepdim=True)
        share = clean(divided(known - least, (most - least).expand_as(known)), mask)
        taken = mask & (share > self.threshold)
        if self.count is not None:
            order = torch.where(taken, share, -1.0).argsort(dim=-1, descending=True, stable=True)
            taken &= order.argsort(-1) < self.count
        return clean(-share, taken)


witness = (
    Witness(Outlying(), parent=OnlyPenalties(), given=_given, returns=[[0.0, 0.0, -1.0, 0.0]]),  # 0, 1 and 1/2 of the way
    Witness(Outlying(threshold=0.25), parent=Outlying(), given=_given, returns=[[0.0, 0.0, -1.0, -0.5]]),
    Witness(Outlying(threshold=0.25, count=1), parent=Outlying(threshold=0.25), given=_given, returns=[[0.0, 0.0, -1.0, 0.0]]),
)
