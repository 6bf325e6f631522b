"""Clip: no gain from moving the ratio further than a bound in the direction that the advantage favours.

    ratio = exp(logp - old_logp)
    loss  = -min(ratio * advantage, clip(ratio, 1 - epsilon, 1 + epsilon_high) * advantage)        [B, T]
    and, with ``dual``, where advantage < 0:  min(loss, -dual * advantage)

Source: PPO, arXiv 1707.06347, eq. 7. ``epsilon_high`` (asymmetric bounds): DAPO, arXiv 2503.14476, eq. 10, where 0.28 is used.
``dual``: Ye et al. 2020, arXiv 1912.09729, eq. 5, which uses 3. Default ``epsilon`` 0.2: PPO, the best of its table 1.
A ratio beyond e^20 grows in proportion to its logarithm (``guerdon.exponentials``): where the bound applies its gradient is 0, and where it does not,
the step is pushed back by a large and finite one.

Differs from Reinforce: reuses a batch for several steps; a step whose ratio has left the bound gets no gradient.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.exponentials import exp
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Clip:
    silent_without: ClassVar[str] = "advantage"
    epsilon: float = 0.2
    epsilon_high: float | None = None  # None: the same as ``epsilon``
    dual: float | None = None  # None: no second bound for negative advantages

    def __call__(self, logp: BT, old_logp: BT, advantage: BT) -> BT:
        advantage = advantage.detach()
        ratio = exp(logp - old_logp.detach())
        high = self.epsilon if self.epsilon_high is None else self.epsilon_high
        loss = -torch.minimum(ratio * advantage, ratio.clamp(1 - self.epsilon, 1 + high) * advantage)
        if self.dual is None:
            return loss
        return torch.where(advantage < 0, torch.minimum(loss, -self.dual * advantage), loss)


LN2 = 0.6931471805599453
_off_policy = {"logp": [[LN2, LN2, -LN2]], "old_logp": [[0.0, 0.0, 0.0]]}  # ratios 2, 2 and 1/2

witness = (
    Witness(
        Clip(),
        parent=Reinforce(),
        given=_off_policy | {"advantage": [[1.0, -1.0, 1.0]]},
        returns=[[-1.2, 2.0, -0.5]],
        gradient={"logp": [[0.0, 2.0, -0.5]], "old_logp": None, "advantage": None},
    ),
    Witness(
        Clip(0.2, epsilon_high=0.28),
        parent=Clip(0.2),
        given=_off_policy | {"advantage": [[1.0, -1.0, 1.0]]},
        returns=[[-1.28, 2.0, -0.5]],
        gradient={"logp": [[0.0, 2.0, -0.5]]},
    ),
    Witness(
        Clip(0.2, dual=1.5),
        parent=Clip(0.2),
        given=_off_policy | {"advantage": [[1.0, -1.0, 1.0]]},
        returns=[[-1.2, 1.5, -0.5]],
        gradient={"logp": [[0.0, 0.0, -0.5]]},
    ),
)


limits = (
    Limit(Clip(0.2, epsilon_high=0.2), equals=Clip(0.2), when="the two bounds are equal"),
    Limit(Clip(0.2, dual=1e9), equals=Clip(0.2), when="the second bound is far"),
)
