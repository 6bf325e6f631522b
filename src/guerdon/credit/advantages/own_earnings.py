"""Own earnings: another advantage, worked out for each of several agents on its own steps and on what these earned alone.

    of agent i: mask_i = mask where agent = i,   step reward_i = what its own steps earned,   reward_i = their sum
    advantage  = sum over agents of ``advantage`` of these        [B, T], in units of reward

For agents that play against each other, or debate: what one wins another loses, and neither is praised for the sum. ``agent`` says whose step a step is. A baseline of the group
compares an agent with the same agent of the group's other sequences.

Source: self-play with a return for each player, as in SPIRAL, arXiv 2506.24119 (role-conditioned advantage: each role has a baseline of its own).
Differs from EachAgent: the outcome of all is nobody's.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.each_agent import EachAgent
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask, Segment
from guerdon.steps import clean, total
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class OwnEarnings:
    advantage: Advantage = ReturnToGo()

    def needs(self) -> frozenset[str]:
        return (needs(self.advantage) - {"reward"}) | {"step_reward", "agent", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, step_reward: BT, agent: Segment, mask: Mask, **quantities: Tensor) -> BT:
        found = torch.zeros_like(clean(step_reward, mask))
        for one in torch.unique(agent[mask]):
            own = mask & (agent == one)
            paid = clean(step_reward, own)
            told = {**quantities, "step_reward": paid, "reward": total(paid, own), "agent": agent, "mask": own}
            found = found + call(self.advantage, told)
        return found


# the first agent won 1 at its last step and had paid 2 before; the other lost 1
_two = {"step_reward": [[-2.0, -1.0, 1.0]], "outcome": [-2.0], "agent": [[0, 1, 0]], "mask": [[1, 1, 1]]}
witness = (
    Witness(OwnEarnings(), parent=EachAgent(), given=_two, returns=[[-1.0, -1.0, 1.0]]),
    Witness(OwnEarnings(ReturnToGo(gamma=0.5)), parent=OwnEarnings(), given=_two, returns=[[-1.5, -1.0, 1.0]]),
)


def _alone(inputs: dict) -> dict:
    return inputs | {"agent": torch.zeros_like(inputs["agent"])}


limits = (Limit(OwnEarnings(), equals=ReturnToGo(), when="there is one agent", under=_alone),)
