"""To next: a step is rewarded with what is said of it, less what is said of the next one; the last step with what is said of it.

    reward_k = score_k - score_(k+1),   reward_K = score_K        [B, T], in units of the score

What is still to come from a step on is what is said of that step: returns telescope, and an answer's total is what is said of its first step, however many follow. So steps
cannot be repeated for gain, and yet each is praised for itself: with ``return_to_go`` the advantage of a step is its own score.

Source: the Delta mechanism of On Designing Effective RL Reward at Training Time, arXiv 2410.15115: the abstract and reviews of it.
Differs from ``progress``: there the total is what is said of the last step.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.step_shaping.only_penalties import OnlyPenalties, _given
from guerdon.quantities import BT, Mask
from guerdon.steps import along_steps, clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class ToNext:
    def __call__(self, step_score: BT, mask: Mask) -> BT:
        score = clean(step_score, mask)
        following, out = score.new_zeros(len(score)), []
        for t in reversed(range(mask.shape[1])):
            out.append(score[:, t] - following)
            following = torch.where(mask[:, t], score[:, t], following)
        return clean(along_steps(out[::-1], mask), mask)


witness = Witness(ToNext(), parent=OnlyPenalties(), given=_given, returns=[[-0.5, 0.0, 0.25, 0.5]])
