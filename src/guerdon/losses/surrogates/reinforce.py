"""REINFORCE: raise the log-probability of a step in proportion to its advantage.

    loss = -advantage * logp        [B, T], nats

Its gradient is the policy gradient when the policy that acted is the policy being trained.

Source: Williams 1992, Simple statistical gradient-following algorithms (with the baseline inside ``advantage``).
Invalid when the policy that acted differs: nothing here corrects for it.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class Reinforce:
    silent_without: ClassVar[str] = "advantage"

    def __call__(self, logp: BT, advantage: BT) -> BT:
        return -advantage.detach() * logp


witness = Witness(
    Reinforce(),
    given={"logp": [[-1.0, -2.0]], "advantage": [[2.0, -1.0]]},
    returns=[[2.0, -2.0]],
    gradient={"logp": [[-2.0, 1.0]], "advantage": None},
)
