"""Potential-shaped: another advantage, for which each step is paid besides for how much better off it leaves one.

    step reward' = step_reward + weight * (gamma * potential_q - potential_value)        then ``advantage`` of it; [B, T]

``potential`` is bound to a frozen model of a potential: ``value`` is that of the state before a step, ``q`` that of the state after it. Along an episode the differences sum to
what the last state is worth more than the first (gamma 1), so that going round in circles earns nothing, whatever the potential is wrong about. Where the model says 0 after the
last step the best policies stay what they were; where it says what it thinks of the last state, as in LCA, that is paid for too.

Source: Ng, Harada and Russell 1999, Policy invariance under reward transformations; the end of an episode: Grzes 2017, Reward shaping in episodic reinforcement learning. With
potentials from rankings by a language model, of each agent its own: LCA, arXiv 2502.03723. ``gamma`` 1: that of ``return_to_go``.
Differs from ReturnToGo: a step is told at once whether it led on.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.steps import clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class PotentialShaped:
    advantage: Advantage = ReturnToGo()
    weight: float = 1.0
    gamma: float = 1.0

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"step_reward", "potential_value", "potential_q", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, step_reward: BT, potential_value: BT, potential_q: BT, mask: Mask, **quantities: Tensor) -> BT:
        led = self.gamma * potential_q.detach() - potential_value.detach()
        paid = clean(step_reward, mask) + self.weight * clean(led, mask)
        told = {"step_reward": paid, "potential_value": potential_value, "potential_q": potential_q, "mask": mask}
        return call(self.advantage, quantities | told)


_led = {"step_reward": [[0.0, 9.0, 4.0]], "potential_value": [[1.0, 9.0, 3.0]], "potential_q": [[3.0, 9.0, 2.0]], "mask": [[1, 0, 1]]}
witness = (
    Witness(PotentialShaped(), parent=ReturnToGo(), given=_led, returns=[[5.0, 0.0, 3.0]]),
    Witness(PotentialShaped(weight=2.0), parent=PotentialShaped(), given=_led, returns=[[6.0, 0.0, 2.0]]),
    Witness(PotentialShaped(gamma=0.5), parent=PotentialShaped(), given=_led, returns=[[2.5, 0.0, 2.0]]),
    Witness(PotentialShaped(ReturnToGo(gamma=0.5)), parent=PotentialShaped(), given=_led, returns=[[3.5, 0.0, 3.0]]),
)


def _flat(inputs: dict) -> dict:
    return inputs | {"potential_q": torch.ones_like(inputs["mask"]).double(), "potential_value": torch.ones_like(inputs["mask"]).double()}


limits = (Limit(PotentialShaped(), equals=ReturnToGo(), when="the potential is the same everywhere", under=_flat),)
