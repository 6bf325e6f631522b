"""Unsolved: prompts that are solved less often are practised more.

    success = sum of decay^age * reward / sum of decay^age        per prompt, over every attempt; an age is one call with that prompt in it
    weight  = max(1 - success, floor)                             [P]

A prompt never tried has success 0. Rewards are success rates, so they are clipped to [0, 1].

Source: prioritized sampling of Kimi k1.5, arXiv 2501.12599, section 2.3 (probability proportional to 1 minus the success rate).
``floor`` 0.05: ours, so that what was once solved is still looked at; the paper has none (0). ``decay`` 1: all attempts count alike, as there.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection._success import State, record, success
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class Unsolved:
    floor: float = 0.05
    decay: float = 1.0

    def init(self) -> State:
        return {}

    def __call__(self, reward: B, prompt_id: Group, size: int, state: dict[str, Any]) -> tuple[Tensor, State]:
        state = record(state, reward, prompt_id, size, self.decay)
        return (1 - success(state, unseen=0.0)).clamp(min=self.floor), state


_given = {"reward": torch.tensor([1.0, 0.0, 1.0, 1.0]), "prompt_id": torch.tensor([0, 0, 2, 2]), "size": 3, "state": {}}
_seen = {"total": torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64), "count": torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)}
witness = (
    Witness(Unsolved(), given=_given, returns=[0.5, 1.0, 0.05]),
    Witness(Unsolved(floor=0.2), parent=Unsolved(), given=_given, returns=[0.5, 1.0, 0.2]),
    Witness(Unsolved(decay=0.5), parent=Unsolved(), given=_given | {"state": _seen}, returns=[1 - 1.5 / 2.5, 1.0, 0.05]),
)
