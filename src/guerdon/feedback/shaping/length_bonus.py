"""Length bonus: a right answer that stays within the target length earns a bonus, in one step.

    reward + bonus        where reward >= threshold and length <= target                [B]

An answer beyond the target loses the bonus and nothing else, so that a long right answer stays better than a wrong one; cutting answers off at the target
would make it a wrong one.

Source: LASER, Liu et al. 2025, arXiv 2505.15612, and its code (``compute_length_reward_larse``). ``bonus`` 0.5: the same. ``target`` has no default:
a target that no answer comes near would be a bonus that all or none get (the paper tries 2,048 to 8,192 tokens).
Differs from RelativeLength: absolute, and nobody is rewarded for being shorter than the target.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.relative_length import RelativeLength
from guerdon.quantities import B
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class LengthBonus:
    target: float
    bonus: float = 0.5
    threshold: float = 0.5

    def __call__(self, reward: B, length: B) -> B:
        within = reaches(reward, self.threshold) & (length <= self.target)
        return torch.where(within, reward + self.bonus, reward)


_given = {"reward": [1.0, 1.0, 0.0, 0.6], "length": [10.0, 11.0, 3.0, 4.0], "group": [0, 0, 0, 0]}
witness = (
    Witness(LengthBonus(target=10), parent=RelativeLength(), given=_given, returns=[1.5, 1.0, 0.0, 1.1]),
    Witness(LengthBonus(target=4), parent=LengthBonus(target=10), given=_given, returns=[1.0, 1.0, 0.0, 1.1]),
    Witness(LengthBonus(target=10, bonus=0.2), parent=LengthBonus(target=10), given=_given, returns=[1.2, 1.0, 0.0, 0.8]),
    Witness(LengthBonus(target=10, threshold=1.0), parent=LengthBonus(target=10), given=_given, returns=[1.5, 1.0, 0.0, 0.6]),
)
