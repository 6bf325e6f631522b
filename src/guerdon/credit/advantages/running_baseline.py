"""Running baseline: how much better than has been usual so far.

    advantage = reward - baseline        the same number at each acted step; [B, T], in units of reward; the baseline as it was before this batch
    baseline <- decay^n * baseline + (1 - decay^n) * mean reward of the batch's n sequences        with the state

``by`` names what has a baseline of its own: "actor", a role in self-play, whose rewards are those of another role with the opposite sign;
"prompt_id", a prompt; "" all sequences together. The state is ``{"key", "baseline"}``, tensors of as many entries as have been met; a
baseline begins at 0.

Source: a moving average of the reward as baseline: Williams 1992; by role: SPIRAL's role-conditioned advantage, arXiv 2506.24119;
that it begins at 0, ``decay`` 0.95, and that a reward is compared with the baseline before it moves it: its authors' code (``train_spiral.py``)
and prime-rl (``rae.py``). There each sequence moves it in turn; here those of a batch do so at once, which for one is the same, and for n moves it as far without depending
on their order.
Differs from LeaveOneOut: compared with the past and not with other answers, so that one answer to a prompt is enough.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.errors import InputError
from guerdon.quantities import BT, B, Mask
from guerdon.steps import group_mean, group_size, spread
from guerdon.witness import Witness

State = dict[str, Tensor]


@dataclass(frozen=True)
class RunningBaseline:
    decay: float = 0.95
    by: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise InputError(f"the running baseline keeps a share of what it was, decay, of at least 0 and below 1, not {self.decay}")

    def init(self) -> State:
        return {"key": torch.zeros(0, dtype=torch.long), "baseline": torch.zeros(0, dtype=torch.float64)}

    def needs(self) -> frozenset[str]:
        return frozenset({"reward", "mask"} | ({self.by} if self.by else set()))

    def wants(self) -> frozenset[str]:
        return frozenset()

    def __call__(self, reward: B, mask: Mask, state: dict[str, Any], **quantities: Tensor) -> tuple[BT, State]:
        key = quantities[self.by].long() if self.by else torch.zeros(len(reward), dtype=torch.long, device=reward.device)
        keys, place = torch.unique(torch.cat([state["key"].to(key), key]), return_inverse=True)
        known, of_row = place[: len(state["key"])], place[len(state["key"]) :]
        baseline = torch.zeros(len(keys), dtype=torch.float64, device=reward.device)
        baseline[known] = state["baseline"].to(baseline)
        before = baseline[of_row]
        kept = self.decay ** group_size(key).to(baseline.dtype)
        baseline[of_row] = kept * before + (1 - kept) * group_mean(reward.to(baseline), key)
        return spread(reward - before.to(reward), mask), {"key": keys, "baseline": baseline}


_roles = {"reward": [1.0, -1.0, 3.0], "mask": [[1, 1], [1, 0], [1, 1]]}
_met = {"key": torch.tensor([1]), "baseline": torch.tensor([2.0], dtype=torch.float64)}
witness = (
    Witness(
        RunningBaseline(by="actor"),
        parent=LeaveOneOut(),
        given=_roles | {"actor": [0, 1, 0], "state": _met},
        returns=[[1.0, 1.0], [-3.0, 0.0], [3.0, 3.0]],
    ),
    Witness(
        RunningBaseline(),
        parent=RunningBaseline(by="actor"),
        given=_roles | {"actor": [0, 1, 0], "state": {"key": torch.tensor([0]), "baseline": torch.tensor([2.0], dtype=torch.float64)}},
        returns=[[-1.0, -1.0], [-3.0, 0.0], [1.0, 1.0]],
    ),
)
