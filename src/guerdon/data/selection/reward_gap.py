"""Reward gap: prompts whose best and worst answers differ most are practised more.

    weight = max(best reward of the last attempt - worst one, floor)        [P]; the largest weight so far for a prompt never tried

What the policy could still gain on a prompt by always answering as well as it does at best: an estimate of its regret, in units of the reward, which need not be 0 or 1.

Source: eva, Ye et al. 2024, arXiv 2411.00062, its informativeness: the worst of a few answers taken from the best, and prompts drawn in proportion. ``floor`` 0.01: ours.
Differs from Learnability: of rewards of any scale, and of the last attempt only.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection.learnability import Learnability
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class RewardGap:
    floor: float = 0.01

    def init(self) -> dict[str, Any]:
        return {}

    def __call__(self, reward: B, prompt_id: Group, size: int, state: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
        gap = state.get("gap", torch.full((size,), torch.nan, dtype=torch.float64)).clone()
        known = ~reward.isnan()
        value, place = reward[known].double(), prompt_id[known]
        empty = torch.zeros(size, dtype=torch.float64)
        best, worst = (empty.scatter_reduce(0, place, value, how, include_self=False) for how in ("amax", "amin"))
        tried = torch.bincount(place, minlength=size) > 0
        gap[tried] = (best - worst)[tried]
        unseen = gap.isnan()
        most = float(gap[~unseen].max()) if (~unseen).any() else 1.0
        return torch.where(unseen, most, gap).clamp(min=self.floor), {"gap": gap}


_given = {"reward": torch.tensor([3.0, 1.0, 5.0, 5.0]), "prompt_id": torch.tensor([0, 0, 2, 2]), "size": 3, "state": {}}
_seen = _given | {"state": {"gap": torch.tensor([9.0, 0.5, 9.0], dtype=torch.float64)}}
witness = (
    Witness(RewardGap(), parent=Learnability(), given=_given, returns=[2.0, 2.0, 0.01]),
    Witness(RewardGap(), parent=Learnability(), given=_seen, returns=[2.0, 0.5, 0.01]),
    Witness(RewardGap(floor=1.0), parent=RewardGap(), given=_seen, returns=[2.0, 1.0, 1.0]),
)
