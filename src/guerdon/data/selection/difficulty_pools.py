"""Difficulty pools: what was solved by (nearly) all or by (nearly) no answer when it was last tried is taken out, or practised as a set share.

    pool   = easy where the mean reward of the last attempt >= easy, hard where it <= hard, else normal; a prompt never tried is normal
    weight = share of the pool / prompts in it        [P]; the normal pool has the share that the other two leave, and theirs where they are empty

With shares of 0 a prompt is set aside once and for all. Where no normal prompt is left and nothing is drawn otherwise, all are drawn alike.

Source: the buffer of earlier prime-rl: ``easy_threshold``, ``hard_threshold``, ``easy_fraction``, ``hard_fraction`` (0 there too; thresholds are off by
default). There a step's shares are counted out, here they are kept in expectation.
Differs from Learnability: pools, not degrees, and only the last attempt counts.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection._success import State, record, success
from guerdon.data.selection.learnability import Learnability
from guerdon.errors import InputError
from guerdon.quantities import B, Group
from guerdon.thresholds import TOLERANCE
from guerdon.witness import Witness


@dataclass(frozen=True)
class DifficultyPools:
    easy: float = 1.0
    hard: float = 0.0
    easy_share: float = 0.0
    hard_share: float = 0.0

    def __post_init__(self) -> None:
        if not self.hard < self.easy:
            raise InputError(
                f"difficulty pools: easy begins at a success of {self.easy} and hard ends at {self.hard}; easy must be above hard"
            )
        if not (self.easy_share >= 0 and self.hard_share >= 0 and self.easy_share + self.hard_share <= 1):
            raise InputError(
                f"difficulty pools: shares of {self.easy_share} and {self.hard_share}; both are 0 or more, and no more than 1 together"
            )

    def init(self) -> State:
        return {}

    def __call__(self, reward: B, prompt_id: Group, size: int, state: dict[str, Any]) -> tuple[Tensor, State]:
        state = record(state, reward, prompt_id, size, decay=0.0)
        rate = success(state, unseen=(self.easy + self.hard) / 2)
        pools = {"easy": rate >= self.easy - TOLERANCE, "hard": rate <= self.hard + TOLERANCE}
        pools["normal"] = ~pools["easy"] & ~pools["hard"]
        share = {name: own if pools[name].any() else 0.0 for name, own in (("easy", self.easy_share), ("hard", self.hard_share))}
        share["normal"] = 1 - sum(share.values())
        weight = torch.zeros(size, dtype=torch.float64)
        for name, pool in pools.items():
            weight[pool] = share[name] / max(int(pool.sum()), 1)
        return (weight if weight.any() else torch.full_like(weight, 1 / size)), state


_given = {"reward": torch.tensor([1.0, 1.0, 0.0, 0.0, 1.0, 0.0]), "prompt_id": torch.tensor([0, 0, 1, 1, 2, 2]), "size": 4, "state": {}}
_seen = {"total": torch.tensor([5.0, 0.0, 0.0, 0.0], dtype=torch.float64), "count": torch.tensor([9.0, 0.0, 0.0, 0.0], dtype=torch.float64)}
witness = (
    Witness(DifficultyPools(), parent=Learnability(), given=_given, returns=[0.0, 0.0, 0.5, 0.5]),
    Witness(DifficultyPools(), parent=Learnability(), given=_given | {"state": _seen}, returns=[0.0, 0.0, 0.5, 0.5]),
    Witness(DifficultyPools(easy_share=0.2), parent=DifficultyPools(), given=_given, returns=[0.2, 0.0, 0.4, 0.4]),
    Witness(DifficultyPools(hard_share=0.5), parent=DifficultyPools(), given=_given, returns=[0.0, 0.5, 0.25, 0.25]),
    Witness(DifficultyPools(easy=0.5, hard=-1.0), parent=DifficultyPools(hard=-1.0), given=_given, returns=[0.0, 0.5, 0.0, 0.5]),
    Witness(DifficultyPools(hard=0.5), parent=DifficultyPools(), given=_given, returns=[0.0, 0.0, 0.0, 1.0]),
)
