"""Where solved: another shaping applies to those prompts of the batch that are solved most often, and the rest keep their reward.

    rate   = the group's share of answers with reward >= threshold
    reward = shaping(reward)        in the floor(share * groups) groups with the highest rate; of equal ones those that come first       [B]
             reward                 elsewhere

A penalty of length presses for brevity where the policy has accuracy to spare, and leaves alone what it is still learning to solve.

Source: GRPO-lambda, Dai et al. 2025, arXiv 2505.18086, its top-lambda selection: a fraction of the batch's groups, by their ratio of correct completions, gets the length
penalty and the others the reward of 0 or 1. ``share`` 0.2 and the order of equals: ours.
Differs from StandardisedLength, which it wraps: groups that are solved seldom are not penalised.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.errors import InputError
from guerdon.feedback.shaping import Shaping
from guerdon.feedback.shaping.standardised_length import StandardisedLength
from guerdon.parts import needs, stateful
from guerdon.quantities import B, Group
from guerdon.thresholds import TOLERANCE, reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class WhereSolved:
    per_batch: ClassVar[bool] = True

    shaping: Shaping = StandardisedLength()
    share: float = 0.2
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if stateful(self.shaping):
            raise InputError(
                f"where_solved: {type(self.shaping).__name__} remembers earlier batches, and would remember only some of their groups; wrap another"
            )
        if isinstance(self.share, float | int) and not 0 <= self.share <= 1:
            raise InputError(f"where_solved: share is {self.share}, a part of the batch's prompts; choose between 0 and 1")

    def needs(self) -> frozenset[str]:
        return needs(self.shaping) | {"reward", "group"}

    def __call__(self, reward: B, group: Group, **read: B) -> B:
        members, place = torch.unique(group, return_inverse=True)
        right = reaches(reward, self.threshold).double()
        total, size = (
            torch.zeros(len(members), dtype=torch.float64, device=x.device).index_add(0, place, x) for x in (right, torch.ones_like(right))
        )
        order = torch.argsort(-total / size, stable=True)
        chosen = torch.zeros(len(members), dtype=torch.bool, device=reward.device)
        chosen[order[: math.floor(self.share * len(members) + TOLERANCE)]] = True
        known = {"reward": reward, "group": group, **read}
        shaped = self.shaping(**{name: known[name] for name in needs(self.shaping)})
        return torch.where(chosen[place], shaped, reward)


_given = {  # half of the first group's answers are right, all of the second's and the third's
    "reward": [1.0, 0.0, 1.0, 1.0, 1.0, 1.0],
    "length": [2.0, 9.0, 5.0, 5.0, 3.0, 3.0],
    "group": [0, 0, 1, 1, 2, 2],
}
witness = (
    Witness(WhereSolved(share=0.4), parent=StandardisedLength(), given=_given, returns=[1.0, 0.0, 0.8, 0.8, 1.0, 1.0]),
    Witness(WhereSolved(share=0.67), parent=WhereSolved(share=0.4), given=_given, returns=[1.0, 0.0, 0.8, 0.8, 0.8, 0.8]),
    Witness(
        WhereSolved(StandardisedLength(weight=1.0), share=0.4),
        parent=WhereSolved(share=0.4),
        given=_given,
        returns=[1.0, 0.0, 0.5, 0.5, 1.0, 1.0],
    ),
    Witness(  # nobody reaches it, so the first group is the first of equals
        WhereSolved(share=0.4, threshold=2.0), parent=WhereSolved(share=0.4), given=_given, returns=[0.8, 0.0, 1.0, 1.0, 1.0, 1.0]
    ),
)
