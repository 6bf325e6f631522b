"""Tag calibration: an answer that begins by saying whether its prompt is easy is rewarded for saying so as the group's success has it.

    rate   = the group's share of answers with reward >= threshold
    easy   = rate > border
    reward + weight * fits        1 where the tag is "easy" and the prompt is, or "hard" and it is not; 0 where it is the other; ``missing`` without a tag        [B]

``by`` is the name of the component that says which tag an answer begins with (``leading_tag``): 0 is easy, 1 is hard, anything else none. The policy learns to
estimate what it can do itself, and the estimate moves with it. Right is who reaches the threshold when this is asked: let it stand last, behind what only adds to
right answers.

Source: AdaCtrl, Huang et al. 2025, arXiv 2505.18822, its calibration reward, and the authors' code (``reward_manager/naive.py``, ``compute_diff_format``, and the
comparison with ``diff_threshold`` in ``ray_trainer.py``); ``weight`` 0.5 and ``border`` 0.625 as in their script, ``missing`` -1 as in their code.
Differs from WhereTagged: what is said is judged, and by the others' success.
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.feedback.shaping.where_tagged import WhereTagged
from guerdon.quantities import B, Group
from guerdon.steps import group_mean
from guerdon.thresholds import exceeds, reaches
from guerdon.witness import Witness

EASY, HARD = 0, 1


@dataclass(frozen=True)
class TagCalibration:
    weight: float = 0.5
    border: float = 0.625
    missing: float = -1.0
    threshold: float = 0.5
    by: str = "tag"

    def __post_init__(self) -> None:
        if isinstance(self.border, float | int) and not 0 <= self.border < 1:
            raise InputError(
                f"tag_calibration: border is {self.border}, above which a share of right answers is easy; choose from 0 to below 1"
            )

    def needs(self) -> frozenset[str]:
        return frozenset({"reward", "group", f"component_{self.by}"})

    def __call__(self, reward: B, group: Group, **read: B) -> B:
        tag = read[f"component_{self.by}"]
        easy = exceeds(group_mean(reaches(reward, self.threshold).to(reward.dtype), group), self.border)
        fits = ((tag == EASY) & easy) | ((tag == HARD) & ~easy)
        there = (tag == EASY) | (tag == HARD)
        return reward + self.weight * torch.where(there, fits.to(reward.dtype), self.missing)


# Two of three are right in the first group (easy), one of two in the second.
_given = {
    "reward": [1.0, 1.0, 0.0, 1.0, 0.0],
    "group": [0, 0, 0, 1, 1],
    "component_tag": [0.0, 1.0, 0.0, 1.0, -1.0],
    "component_said": [0.0] * 5,
    "length": [1.0] * 5,
}
witness = (
    Witness(TagCalibration(), parent=WhereTagged(), given=_given, returns=[1.5, 1.0, 0.5, 1.5, -0.5]),
    Witness(TagCalibration(weight=1.0), parent=TagCalibration(), given=_given, returns=[2.0, 1.0, 1.0, 2.0, -1.0]),
    Witness(TagCalibration(border=0.4), parent=TagCalibration(), given=_given, returns=[1.5, 1.0, 0.5, 1.0, -0.5]),
    Witness(TagCalibration(missing=0.0), parent=TagCalibration(), given=_given, returns=[1.5, 1.0, 0.5, 1.5, 0.0]),
    Witness(TagCalibration(threshold=2.0), parent=TagCalibration(), given=_given, returns=[1.0, 1.5, 0.0, 1.5, -0.5]),
    Witness(TagCalibration(by="said"), parent=TagCalibration(), given=_given, returns=[1.5, 1.5, 0.5, 1.0, 0.0]),
)
