"""Length bonus by difficulty: the target length is what answers to prompts of that difficulty take, found along the way.

    level  = hard, middle, easy: the group's share of right answers is below 1/3, below 2/3, or not
    target = the shortest length within which a share of 1, 1/2, 1/5 of the answers at that level stay        over the last ``window`` batches, this one too
    reward + bonus        where reward >= threshold and length <= target of the level                          [B]

Of 8 answers to an easy prompt at least 5 are right, so of those within its target at least one is expected to be; of a middling one 2 of 8, hence a half; of a
hard one all lengths count. Easy prompts are thus pressed most, and targets follow the policy. The state is the lengths of the last batches, level by level.

Source: LASER-D, Liu et al. 2025, arXiv 2505.15612, and its code (``compute_length_reward_larse_d``: levels, and of ``_choose_target_length`` the shares, with
8 answers rounded down). There lengths are of a monitored set of 500 prompts, answered anew every 20 steps, and targets are multiples of 1,024; here they are of what is
sampled anyway, to the token. ``bonus`` 0.5: the same code. ``window`` 20: its interval.
Differs from LengthBonus: nobody chooses a target, and each difficulty has its own.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.feedback.shaping.length_bonus import LengthBonus
from guerdon.quantities import B, Group
from guerdon.steps import group_mean
from guerdon.thresholds import reaches
from guerdon.witness import Witness

SHARES = (1.0, 1 / 2, 1 / 5)  # hard, middle, easy


@dataclass(frozen=True)
class LengthBonusByDifficulty:
    per_batch: ClassVar[bool] = True

    bonus: float = 0.5
    window: int = 20
    threshold: float = 0.5

    def init(self) -> dict[str, Any]:
        return {"lengths": []}

    def __call__(self, reward: B, group: Group, length: B, state: dict[str, Any]) -> tuple[B, dict[str, Any]]:
        right = reaches(reward, self.threshold)
        level = _level(group_mean(right.double(), group))
        seen = [*state["lengths"], [length[level == k].tolist() for k in range(len(SHARES))]][-self.window :]
        targets = [_target(sorted(x for batch in seen for x in batch[k]), share) for k, share in enumerate(SHARES)]
        within = right & (length <= torch.tensor(targets, dtype=length.dtype, device=length.device)[level])
        return torch.where(within, reward + self.bonus, reward), {"lengths": seen}


def _level(rate: Tensor) -> Tensor:
    """0, 1 or 2 by the share of right answers; thirds are thirds in spite of rounding."""
    return reaches(rate, 1 / 3).long() + reaches(rate, 2 / 3).long()


def _target(lengths: list[float], share: float) -> float:
    """The shortest of the lengths, in order, that so many do not exceed."""
    return lengths[max(-int(-share * len(lengths) // 1), 1) - 1] if lengths else 0.0


# An easy group (all right: a fifth of four, the shortest), a middling one (a half of two: the shorter), and a hard one (a quarter: all).
_given = {
    "reward": [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    "length": [4.0, 5.0, 6.0, 7.0, 9.0, 8.0, 20.0, 30.0, 3.0, 3.0],
    "group": [0, 0, 0, 0, 1, 1, 2, 2, 2, 2],
    "state": {"lengths": []},
}
_longer = _given | {"state": {"lengths": [[[], [], [9.0, 9.0, 9.0, 9.0]]]}}  # easy ones were longer before: of eight, two are within 5
witness = (
    Witness(
        LengthBonusByDifficulty(), parent=LengthBonus(target=8), given=_given, returns=[1.5, 1.0, 1.0, 1.0, 1.0, 0.0, 1.5, 0.0, 0.0, 0.0]
    ),
    Witness(
        LengthBonusByDifficulty(),
        parent=LengthBonusByDifficulty(window=1),
        given=_longer,
        returns=[1.5, 1.5, 1.0, 1.0, 1.0, 0.0, 1.5, 0.0, 0.0, 0.0],
    ),
    Witness(
        LengthBonusByDifficulty(bonus=0.25),
        parent=LengthBonusByDifficulty(),
        given=_given,
        returns=[1.25, 1.0, 1.0, 1.0, 1.0, 0.0, 1.25, 0.0, 0.0, 0.0],
    ),
    Witness(
        LengthBonusByDifficulty(threshold=2.0),
        parent=LengthBonusByDifficulty(),
        given=_given,
        returns=[1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    ),
)
