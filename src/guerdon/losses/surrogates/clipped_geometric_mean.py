"""Clipped geometric mean (GMPO): the geometric mean over a sequence of ratios that are clipped one by one, per step.

    c_t  = min(x_t, epsilon_high) where advantage_t > 0, max(x_t, -epsilon) where it is < 0,   x = logp - old_logp; x_t where it is 0
    s    = exp(mean over acted steps of c)                          one number per sequence
    s_t  = sg[s] * exp(c_t - sg[c_t])                               the value of s, the gradient of step t
    loss = -s_t * advantage_t        [B, T], 0 where mask is false

With an advantage that is the same at every step and the sequence mean as reduction this has the value and the gradient of the sequence form
-s A; unlike it, it takes advantages that differ from step to step.

Source: GMPO, arXiv 2507.20673, with the sequence form, and its authors' code; its bounds are of log-ratios, e^-0.4 and e^0.4. ``loss_mode: geo_mean`` of verl.
Differs from SequenceRatio: steps are clipped and not sequences, each in the direction that its advantage favours, so that a few that have moved far
neither silence the others nor weigh them. Differs from Clip: one ratio for all steps of a sequence, on which outliers have little effect.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.exponentials import exp
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.quantities import BT, Mask
from guerdon.steps import average, clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ClippedGeometricMean:
    silent_without: ClassVar[str] = "advantage"
    epsilon: float = 0.4  # of log-ratios
    epsilon_high: float | None = None  # None: the same as ``epsilon``

    def __call__(self, logp: BT, old_logp: BT, advantage: BT, mask: Mask) -> BT:
        advantage = advantage.detach()
        high = self.epsilon if self.epsilon_high is None else self.epsilon_high
        moved = clean(logp - old_logp.detach(), mask)
        held = torch.where(advantage > 0, moved.clamp(max=high), torch.where(advantage < 0, moved.clamp(min=-self.epsilon), moved))
        whole = exp(average(held.detach(), mask)).unsqueeze(-1)
        return clean(-whole * (held - held.detach()).exp() * advantage, mask)


E1, E5, E2 = 1.2214027581601699, 1.6487212707001282, 0.8187307530779818  # e^0.2, e^0.5, e^-0.2
_moved = {  # log-ratios 1 and 0 praised, 1 and 0 blamed, -1 and 0 blamed
    "logp": [[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]],
    "old_logp": [[0.0, 0.0]] * 3,
    "advantage": [[1.0, 1.0], [-1.0, -1.0], [-2.0, -2.0]],
    "mask": [[1, 1]] * 3,
}
witness = (
    Witness(
        ClippedGeometricMean(),
        parent=SequenceRatio(0.4, 0.4),
        given=_moved,
        returns=[[-E1, -E1], [E5, E5], [2 * E2, 2 * E2]],
        gradient={"logp": [[0.0, -E1], [E5, E5], [0.0, 2 * E2]], "old_logp": None, "advantage": None},
    ),
    Witness(
        ClippedGeometricMean(epsilon=2.0, epsilon_high=0.4),
        parent=ClippedGeometricMean(),
        given=_moved,
        returns=[[-E1, -E1], [E5, E5], [2 / E5, 2 / E5]],
        gradient={"logp": [[0.0, -E1], [E5, E5], [2 / E5, 2 / E5]]},
    ),
)


def _on_policy(inputs: dict) -> dict:
    return inputs | {"old_logp": inputs["logp"].detach().clone()}


limits = (
    Limit(ClippedGeometricMean(1e9), equals=SequenceRatio(1e9, 1e9), when="the bounds are far"),
    Limit(ClippedGeometricMean(), equals=Clip(), when="the policy that acted is the policy", under=_on_policy),
)
