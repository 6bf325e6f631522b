"""Penalties apart: outcomes are compared with each other, and what was taken off the reward is a return of its own.

    advantage_t = advantage(outcome) + sum over acted steps s >= t of gamma^(acted steps from t to s) * (step_reward_s - the outcome on the last one)        [B, T]

The second part is minus the penalties of the reward (a KL to the reference) from the step on: each counts in full, and none is compared
with those of other answers. With ``gamma`` 0 a step bears its own penalty alone. Without a penalty the wrapped advantage is left.

Source: OpenRLHF's ``rloo``, ``reinforce_baseline``, ``group_norm`` and ``dr_grpo`` (the outcome is shaped, the KL is added, and the return
of both is the advantage), so REINFORCE++ with a baseline, arXiv 2501.03262, by its authors; ReMax, arXiv 2310.10505, in verl.
``gamma`` 0 is ReMax in its authors' code, and slime's and NeMo-RL's REINFORCE++ with a baseline.
Differs from GroupCentred: a baseline over the reward less its penalty, as that has it, would take an answer's own share of the penalty
away.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, B, Mask
from guerdon.steps import on_last
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class PenaltiesApart:
    advantage: Advantage = GroupCentred(scale=None)
    gamma: float = 1.0

    def needs(self) -> frozenset[str]:
        return (needs(self.advantage) - {"reward"}) | {"outcome", "step_reward", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage) - {"reward"}

    def __call__(self, outcome: B, step_reward: BT, mask: Mask, **quantities: Tensor) -> BT:
        last = on_last(outcome, mask)
        compared = call(self.advantage, {**quantities, "outcome": outcome, "reward": outcome, "step_reward": last, "mask": mask})
        return compared + ReturnToGo(self.gamma)(step_reward - last, mask)


_paid = {  # penalties 1 and 2 at the two steps of the first answer, none of the second
    "outcome": [6.0, 2.0],
    "reward": [3.0, 2.0],
    "step_reward": [[-1.0, 4.0], [2.0, 9.0]],
    "group": [0, 0],
    "mask": [[1, 1], [1, 0]],
}
witness = (
    Witness(PenaltiesApart(), parent=GroupCentred(scale=None), given=_paid, returns=[[-1.0, 0.0], [-2.0, 0.0]]),
    Witness(PenaltiesApart(gamma=0.0), parent=PenaltiesApart(), given=_paid, returns=[[1.0, 0.0], [-2.0, 0.0]]),
    Witness(PenaltiesApart(LeaveOneOut()), parent=PenaltiesApart(), given=_paid, returns=[[1.0, 2.0], [-4.0, 0.0]]),
)


def _unpaid(inputs: dict) -> dict:
    return inputs | {"outcome": inputs["reward"], "step_reward": on_last(inputs["reward"], inputs["mask"]).to(torch.float64)}


limits = (Limit(PenaltiesApart(), equals=GroupCentred(scale=None), when="nothing was taken off the reward", under=_unpaid),)
