"""Success target: prompts that are solved about as often as wanted are practised more.

    weight = max(exp(-((success - target) / width)^2 / 2), floor)        [P]; success as in Unsolved, the target for a prompt never tried

``target`` may be a schedule: high at first and lower later, from easy prompts to hard ones, whatever "hard" comes to mean for the policy on the way.

Source: a target of 1/2, at which a reward of 0 or 1 varies most: AdaRFT, Shi et al. 2025, arXiv 2504.05520, which moves a target difficulty by the mean reward, and ExGRPO, arXiv
2510.02245, which draws by a normal density about 1/2 (deviation 1 there, so that all but weigh alike). ``width`` 0.2 and ``floor`` 0.01: ours.
Differs from Learnability: where the most is practised can be chosen.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection._success import State, record, success
from guerdon.data.selection.learnability import Learnability
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class SuccessTarget:
    target: float = 0.5
    width: float = 0.2
    floor: float = 0.01
    decay: float = 1.0

    def init(self) -> State:
        return {}

    def __call__(self, reward: B, prompt_id: Group, size: int, state: dict[str, Any]) -> tuple[Tensor, State]:
        state = record(state, reward, prompt_id, size, self.decay)
        off = (success(state, unseen=self.target) - self.target) / self.width
        return (-off.square() / 2).exp().clamp(min=self.floor), state


_given = {"reward": torch.tensor([1.0, 0.0, 0.0, 0.0]), "prompt_id": torch.tensor([0, 0, 2, 2]), "size": 3, "state": {}}
_seen = {"total": torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64), "count": torch.tensor([2.0, 0.0, 0.0], dtype=torch.float64)}
E1, E2, E8 = 0.6065306597126334, 0.1353352832366127, 0.0003354626279025118  # exp(-1/2), exp(-2), exp(-8)
witness = (
    Witness(SuccessTarget(width=0.25, floor=0.0), parent=Learnability(), given=_given, returns=[1.0, 1.0, E2]),
    Witness(
        SuccessTarget(target=1.0, width=0.25, floor=0.0), parent=SuccessTarget(width=0.25, floor=0.0), given=_given, returns=[E2, 1.0, E8]
    ),
    Witness(SuccessTarget(target=1.0, width=0.5), parent=SuccessTarget(target=1.0), given=_given, returns=[E1, 1.0, E2]),
    Witness(
        SuccessTarget(target=1.0, width=0.25, floor=0.1), parent=SuccessTarget(target=1.0, width=0.25), given=_given, returns=[E2, 1.0, 0.1]
    ),
    Witness(  # one right of two before, none of two now: 1/4 of all, a sixth where the old ones count half
        SuccessTarget(decay=0.5, width=0.5),
        parent=SuccessTarget(width=0.5),
        given={
            "reward": torch.tensor([0.0, 0.0]),
            "prompt_id": torch.tensor([0, 0]),
            "size": 1,
            "state": {k: v[:1] for k, v in _seen.items()},
        },
        returns=[0.8007374029168082],
    ),
)
