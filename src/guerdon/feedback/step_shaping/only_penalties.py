"""Only penalties: a step that is good enough earns nothing, and one that is not is punished for what it lacks.

    reward_k = min(score_k - enough, 0)        [B, T], in units of the score; 0 at most

So nothing can be gained by steps that are right and lead nowhere: an answer's total is at most 0, however long it gets. ``enough`` None: the mean score of all steps of the
batch, so that about half of them are punished.

Source: the Clip mechanism of On Designing Effective RL Reward at Training Time, arXiv 2410.15115: the abstract and reviews of it; its threshold is eta.
Differs from ``shaping.clip``: of each step and not of the answer, and one bound, which lies at 0 after the threshold is taken off.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.quantities import BT, Mask
from guerdon.steps import clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class OnlyPenalties:
    per_batch: ClassVar[bool] = True  # where ``enough`` is None

    enough: float | None = None

    def __call__(self, step_score: BT, mask: Mask) -> BT:
        known = clean(step_score, mask)
        enough = known.sum() / mask.sum().clamp(min=1) if self.enough is None else self.enough
        return clean((known - enough).clamp(max=0), mask)


_given = {"step_score": [[0.25, 9.0, 0.75, 0.5]], "mask": [[1, 0, 1, 1]]}
witness = (
    Witness(OnlyPenalties(), given=_given, returns=[[-0.25, 0.0, 0.0, 0.0]]),
    Witness(OnlyPenalties(enough=0.75), parent=OnlyPenalties(), given=_given, returns=[[-0.5, 0.0, 0.0, -0.25]]),
)
