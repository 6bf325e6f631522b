"""Success window: only prompts that are solved neither too seldom nor too often are learned from.

    keep = low < mean reward of the group < high        [B]

``of`` names the component whose mean it is, where shaping has made something else than success of the reward; "" is the reward. A sequence without a
reward (NaN) is dropped and does not count for its group. With the bounds 0 and 1 and a reward of 0 or 1 it drops what ``zero_variance`` drops.

Source: the online filter of prime-rl (``online_difficulty_filtering`` with means of 0 and 1; ``filter_min_threshold`` and ``filter_max_threshold``) and of OpenRLHF
(``dynamic_filtering_reward_range``, 0 and 1); a pass rate from 0.2 to 0.8 of a probed set: PRIME, arXiv 2502.01456, and its authors' script.
Differs from ZeroVariance: by how often a prompt is solved, not by whether its answers differ.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.errors import InputError
from guerdon.quantities import B, Group
from guerdon.steps import group_sum
from guerdon.thresholds import exceeds
from guerdon.witness import Witness


@dataclass(frozen=True)
class SuccessWindow:
    low: float = 0.0
    high: float = 1.0
    of: str = ""

    def __post_init__(self) -> None:
        bounds = self.low, self.high
        if all(isinstance(x, float | int) for x in bounds) and not self.low < self.high:
            raise InputError(f"a window of success from {self.low} to {self.high} keeps nothing; low must be below high")

    def needs(self) -> frozenset[str]:
        return frozenset({"group", f"component_{self.of}" if self.of else "reward"})

    def __call__(self, reward: B | None = None, group: Group | None = None, **read: B) -> Tensor:
        reward = read[f"component_{self.of}"] if self.of else reward
        known = ~reward.isnan()
        count = group_sum(known.to(reward.dtype), group)
        mean = group_sum(torch.where(known, reward, 0.0), group) / count.clamp(min=1)
        return known & exceeds(mean, self.low) & exceeds(-mean, -self.high)


_nan = float("nan")
_given = {"reward": torch.tensor([1.0, 0.0, 1.0, 1.0, 0.5, 0.5, 0.0, _nan]), "group": torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])}
witness = (
    Witness(SuccessWindow(), parent=ZeroVariance(), given=_given, returns=[1, 1, 0, 0, 1, 1, 0, 0]),
    Witness(SuccessWindow(low=0.5), parent=SuccessWindow(), given=_given, returns=[0] * 8),
    Witness(  # the second group was right throughout, in different lengths
        SuccessWindow(of="right"),
        parent=SuccessWindow(),
        given={
            "reward": torch.tensor([0.75, 0.0, 0.75, 0.5]),
            "component_right": torch.tensor([1.0, 0.0, 1.0, 1.0]),
            "group": torch.tensor([0, 0, 1, 1]),
        },
        returns=[1, 1, 0, 0],
    ),
    Witness(SuccessWindow(high=0.5, low=-1.0), parent=SuccessWindow(low=-1.0), given=_given, returns=[0, 0, 0, 0, 0, 0, 1, 0]),
)
