"""Log-ratio beyond: steps that have gone further than a bound since they were drawn, in the direction that their advantage favours.

    moved  = logp - old_logp                                                             [B, T], nats
    chosen = (moved > up and advantage > 0) or (-moved > down and advantage < 0)         [B, T]
    and, with ``either``:  moved > up or -moved > down, whatever the advantage

These are the steps that a clip with the bounds e^-down and e^up takes the gradient from; with ``either`` also those that have gone the other way.

Source: the clip of PPO, arXiv 1707.06347, eq. 7, read as a choice of steps.
Differs from CovarianceBetween: how far a step has gone counts, and not how likely it was.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.choices.covariance_between import CovarianceBetween
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LogRatioBeyond:
    per_batch: ClassVar[bool] = False

    down: float
    up: float
    either: bool = False

    def __call__(self, logp: BT, old_logp: BT, advantage: BT) -> Mask:
        moved = logp.detach() - old_logp.detach()
        above, below = moved > self.up, -moved > self.down
        return above | below if self.either else (above & (advantage > 0)) | (below & (advantage < 0))


_steps = {  # gone 1/2 up, 1/2 down, 1/2 down and 1/4 up
    "logp": [[-0.5, -1.5, -1.5, -0.75]],
    "old_logp": [[-1.0, -1.0, -1.0, -1.0]],
    "advantage": [[1.0, 1.0, -1.0, 1.0]],
}
_both = LogRatioBeyond(0.3, 0.3)
witness = (
    Witness(_both, parent=CovarianceBetween(0.3, 9.0, mean_logp=-3.0, mean_advantage=0.0), given=_steps, returns=[[1, 0, 1, 0]]),
    Witness(LogRatioBeyond(0.3, 0.2), parent=_both, given=_steps, returns=[[1, 0, 1, 1]]),
    Witness(LogRatioBeyond(0.6, 0.3), parent=_both, given=_steps, returns=[[1, 0, 0, 0]]),
    Witness(LogRatioBeyond(0.3, 0.3, either=True), parent=_both, given=_steps, returns=[[1, 1, 1, 0]]),
)


def _praised(inputs: dict) -> dict:
    return inputs | {"advantage": inputs["advantage"].abs() + 1, "logp": inputs["logp"].clamp(min=inputs["old_logp"])}


limits = (Limit(LogRatioBeyond(0.3, 0.3, either=True), equals=_both, when="everything is praised and has grown", under=_praised),)
