"""Bounded weight (CISPO): bound the importance weight, never the step.

    weight = sg[clip(exp(logp - old_logp), 1 - epsilon, 1 + epsilon_high)]
    loss   = -weight * advantage * logp        [B, T]

Source: MiniMax-M1, arXiv 2506.13585, eqs. 4 and 5.
Differs from Clip: a step whose ratio has left the bound still gets a gradient, of bounded weight. ``epsilon`` 1.0 leaves the weight
unbounded below, as the paper does; it tunes ``epsilon_high`` and does not state it, so 0.2 follows Clip.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.exponentials import exp
from guerdon.losses.surrogates.clip import LN2, Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class BoundedWeight:
    silent_without: ClassVar[str] = "advantage"
    epsilon: float = 1.0
    epsilon_high: float = 0.2

    def __call__(self, logp: BT, old_logp: BT, advantage: BT) -> BT:
        ratio = exp(logp.detach() - old_logp.detach())
        weight = ratio.clamp(1 - self.epsilon, 1 + self.epsilon_high)
        return -weight * advantage.detach() * logp


witness = Witness(
    BoundedWeight(),
    parent=Clip(),
    given={"logp": [[LN2]], "old_logp": [[0.0]], "advantage": [[1.0]]},
    returns=[[-1.2 * LN2]],
    gradient={"logp": [[-1.2]], "old_logp": None, "advantage": None},
)


def _on_policy(inputs: dict) -> dict:
    return inputs | {"old_logp": inputs["logp"].detach().clone()}


limits = (Limit(BoundedWeight(), equals=Reinforce(), when="the policy that acted is the policy", under=_on_policy),)
