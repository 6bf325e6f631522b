"""Segment history: each segment by its own reward, against that of segments which come after the same rewards.

    r_k = the component ``rewards[k]`` of a sequence: what its segment k earned; NaN where there is none
    G_k = r_k + gamma * G_{k+1}
    advantage = G_k - mean of G_k over the batch's sequences with the same r_0 ... r_{k-1}        at the steps of segment k; [B, T], in units of reward

A segment after a mistake is compared with others after a mistake: mending one is not praised for what was easy, nor blamed for what went
before. Where fewer than ``least`` segments have a history there is no baseline for it, and the reward stands alone. The mean holds the
segment itself. A segment beyond those that are named has no advantage.

``rewards`` name reward components in the order of the segments, of which ``segment`` is the number: solve, verify, solve, verify ...
``gamma`` 0 pays a segment what it earned, 1 what came of it as well.

Source: the process-level rewards of S2R, arXiv 2502.12853, in its authors' code (``data_process_offline_rl.py``: ``use_prefix_baseline``,
each segment's own reward, ``least`` 10; there over all that was drawn once, here over the batch).
Differs from TurnGroup: every segment has a reward of its own, and whom it is compared with depends on what was earned before.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.advantages.segment_gae import pieces
from guerdon.credit.advantages.turn_group import TurnGroup
from guerdon.errors import InputError
from guerdon.quantities import BT, Mask, Segment
from guerdon.steps import clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class SegmentHistory:
    per_batch: ClassVar[bool] = True

    rewards: tuple[str, ...] = ("solve_1", "verify_1", "solve_2", "verify_2")
    gamma: float = 0.0
    least: int = 10

    def __post_init__(self) -> None:
        if not self.rewards:
            raise InputError("segment_history: rewards is empty; name the reward of each segment, in their order")

    def needs(self) -> frozenset[str]:
        return frozenset({f"component_{name}" for name in self.rewards} | {"segment", "mask"})

    def __call__(self, segment: Segment, mask: Mask, **components: Tensor) -> BT:
        earned = torch.stack([components[f"component_{name}"] for name in self.rewards], -1)  # [B, K]
        index = pieces(segment, mask)[0]
        made, following, found = ~earned.isnan(), torch.zeros_like(earned[:, 0]), []
        for k in reversed(range(len(self.rewards))):
            following = torch.where(made[:, k], earned[:, k].nan_to_num() + self.gamma * following, 0.0)
            found.append(torch.where(made[:, k], following - self._baseline(earned[:, :k], following, made[:, k]), 0.0))
        found.insert(0, torch.zeros_like(following))  # of segments beyond those that are named
        return clean(torch.stack(found[::-1], -1).gather(-1, index.clamp(max=len(self.rewards))), mask)

    def _baseline(self, before: Tensor, value: Tensor, made: Tensor) -> Tensor:
        """For each sequence, the mean of the value over those with the same rewards before."""
        baseline = torch.zeros_like(value)
        if not made.any():
            return baseline
        own = torch.zeros(int(made.sum()), dtype=torch.long, device=value.device)
        if before.shape[1]:
            own = torch.unique(before[made].nan_to_num(), dim=0, return_inverse=True)[1]
        count, total = (
            torch.zeros(int(own.max()) + 1, dtype=value.dtype, device=value.device).index_add(0, own, x)
            for x in (torch.ones_like(value[made]), value[made])
        )
        mean = torch.where(count >= self.least, total / count.clamp(min=1), 0.0)
        baseline[made] = mean[own]
        return baseline


_nan = float("nan")
_three = {  # right, wrong and mended, wrong and not mended
    "component_solve": [1.0, -1.0, -1.0],
    "component_verify": [1.0, 1.0, -1.0],
    "component_again": [_nan, 1.0, -1.0],
    "segment": [[0, 1, 0], [0, 1, 2], [0, 1, 2]],
    "mask": [[1, 1, 0], [1, 1, 1], [1, 1, 1]],
}
_names = ("solve", "verify", "again")
_mean = -1 / 3
witness = (
    Witness(  # after a mistake verify is worth 0 on average; what comes after different verdicts stands alone with itself
        SegmentHistory(_names, least=1),
        parent=TurnGroup(turn="solve", outcome="verify", scale=None),
        given={**_three, "group": [0, 0, 0], "component_outcome": [0.0, 0.0, 0.0], "component_turn": [0.0, 0.0, 0.0]},
        returns=[[1 - _mean, 0.0, 0.0], [-1 - _mean, 1.0, 0.0], [-1 - _mean, -1.0, 0.0]],
    ),
    Witness(
        SegmentHistory(_names, least=2),
        parent=SegmentHistory(_names, least=1),
        given=_three,
        returns=[[1 - _mean, 1.0, 0.0], [-1 - _mean, 1.0, 1.0], [-1 - _mean, -1.0, -1.0]],
    ),
    Witness(  # returns from the start 2, 1 and -3, from the second segment 1, 2 and -2
        SegmentHistory(_names, gamma=1.0, least=2),
        parent=SegmentHistory(_names, least=2),
        given=_three,
        returns=[[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [-3.0, -2.0, -1.0]],
    ),
)
