"""Learnability: prompts that are sometimes solved and sometimes not are practised more.

    weight = max(success * (1 - success), floor)        [P]; success as in Unsolved, 1/2 for a prompt never tried

The variance of a reward of 0 or 1: exactly the prompts whose groups are not all alike.

Source: Learning to Reason at the Frontier of Learnability, arXiv 2502.12272. There the most learnable prompts of a probed set are taken; here
they are drawn with this weight. ``floor`` 0.01: ours, so that every prompt is looked at again.
Differs from Unsolved: what is never solved is as useless as what always is.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection._success import State, record, success
from guerdon.data.selection.unsolved import Unsolved
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class Learnability:
    floor: float = 0.01
    decay: float = 1.0

    def init(self) -> State:
        return {}

    def __call__(self, reward: B, prompt_id: Group, size: int, state: dict[str, Any]) -> tuple[Tensor, State]:
        state = record(state, reward, prompt_id, size, self.decay)
        rate = success(state, unseen=0.5)
        return (rate * (1 - rate)).clamp(min=self.floor), state


_given = {"reward": torch.tensor([1.0, 0.0, 0.0, 0.0]), "prompt_id": torch.tensor([0, 0, 2, 2]), "size": 3, "state": {}}
witness = (
    Witness(Learnability(), parent=Unsolved(), given=_given, returns=[0.25, 0.25, 0.01]),
    Witness(Learnability(floor=0.1), parent=Learnability(), given=_given, returns=[0.25, 0.25, 0.1]),
)
