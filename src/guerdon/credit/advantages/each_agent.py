"""Each agent: another advantage, worked out for each of several agents on its own steps of what they did together.

    of agent i: mask_i = mask where agent = i,   step reward_i = outcome at the last of its steps + what its own steps earned besides
    advantage  = sum over agents of ``advantage`` of these        [B, T], in units of reward

The outcome of the team is everybody's; what is paid at single steps (a judge's word, a potential's difference) is of the agent whose step it is, and no other agent's return
holds it. ``agent`` says whose step a step is.

Source: the team reward of cooperative Markov games, and agents' own shaping rewards beside it: LCA, arXiv 2502.03723; independent learners: MAPPO and IPPO, arXiv 2103.01955.
Differs from PerActor: there each sequence is one actor's, here several act in one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, B, Mask, Segment
from guerdon.steps import clean, on_last
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class EachAgent:
    advantage: Advantage = ReturnToGo()

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"step_reward", "outcome", "agent", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, step_reward: BT, outcome: B, agent: Segment, mask: Mask, **quantities: Tensor) -> BT:
        besides = clean(step_reward, mask) - on_last(outcome, mask)
        found = torch.zeros_like(besides)
        for one in torch.unique(agent[mask]):
            own = mask & (agent == one)
            paid = clean(besides, own) + on_last(outcome, own)
            told = {**quantities, "step_reward": paid, "outcome": outcome, "agent": agent, "mask": own}
            found = found + call(self.advantage, told)
        return found


# the outcome is 4; the first agent's first step earned 1 besides and its second cost 2, the other's earned 3
_two = {"step_reward": [[1.0, 3.0, 2.0]], "outcome": [4.0], "agent": [[0, 1, 0]], "mask": [[1, 1, 1]]}
witness = (
    Witness(EachAgent(), parent=ReturnToGo(), given=_two, returns=[[3.0, 7.0, 2.0]]),
    Witness(EachAgent(ReturnToGo(gamma=0.5)), parent=EachAgent(), given=_two, returns=[[2.0, 7.0, 2.0]]),
)


def _alone(inputs: dict) -> dict:
    return inputs | {"agent": torch.zeros_like(inputs["agent"])}


limits = (Limit(EachAgent(), equals=ReturnToGo(), when="there is one agent", under=_alone),)
