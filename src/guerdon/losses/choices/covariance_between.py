"""Covariance between: steps at which being likely and being praised go together as much as the bounds say.

    covariance = (logp - mean_logp) * (advantage - mean_advantage)        [B, T], nats times the reward's unit
    chosen     = low <= covariance <= high, and the step's lot <= lot

Its mean over a batch is the covariance of log-probability and advantage, in proportion to which a policy gradient step takes entropy away.

A lot is a number from 0 to 1 that is made of the bits of a step's log-probability and advantage, as good as random, and the same in every split of a batch
and on every machine. Steps of which both are the same have the same.

Source: Cui et al. 2025, The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models, arXiv 2505.22617, with numbers that are
given.
Differs from EntropyAbove: what a step is pushed towards counts, and not what else might be done.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses._lots import bits_of, mixed, uniform
from guerdon.losses.choices.entropy_above import EntropyAbove
from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class CovarianceBetween:
    per_batch: ClassVar[bool] = False

    low: float
    high: float
    mean_logp: float
    mean_advantage: float
    lot: float = 1.0

    def __call__(self, logp: BT, advantage: BT) -> Mask:
        found = covariance(logp, advantage, self.mean_logp, self.mean_advantage)
        within = (found >= self.low) & (found <= self.high)
        return within if self.lot >= 1 else within & (lots(logp, advantage) <= self.lot)


def covariance(logp: BT, advantage: BT, mean_logp: float, mean_advantage: float) -> BT:
    """What a step adds to the covariance of a batch with these means."""
    return (logp.detach() - mean_logp) * (advantage.detach() - mean_advantage)


def lots(logp: BT, advantage: BT) -> BT:
    """A number in [0, 1) for each step."""
    return uniform(mixed(bits_of(logp) ^ mixed(bits_of(advantage))))


_steps = {"logp": [[-1.0, -3.0, -2.0, -0.5]], "advantage": [[1.0, 1.0, -1.0, 2.0]], "entropy": [[1.0, 1.0, 1.0, 1.0]]}  # 1, -1, 0 and 3
witness = (
    Witness(
        CovarianceBetween(0.5, 2.0, mean_logp=-2.0, mean_advantage=0.0), parent=EntropyAbove(0.5), given=_steps, returns=[[1, 0, 0, 0]]
    ),
    Witness(
        CovarianceBetween(0.5, 4.0, mean_logp=-2.0, mean_advantage=0.0),
        parent=CovarianceBetween(0.5, 2.0, mean_logp=-2.0, mean_advantage=0.0),
        given=_steps,
        returns=[[1, 0, 0, 1]],
    ),
    Witness(  # 1/2, -1/2, 0 and 9/4
        CovarianceBetween(2.0, 2.5, mean_logp=-2.0, mean_advantage=0.5),
        parent=CovarianceBetween(2.0, 2.5, mean_logp=-2.0, mean_advantage=0.0),
        given=_steps,
        returns=[[0, 0, 0, 1]],
    ),
    Witness(  # 2, 0, -1 and 5
        CovarianceBetween(1.5, 2.5, mean_logp=-3.0, mean_advantage=0.0),
        parent=CovarianceBetween(1.5, 2.5, mean_logp=-2.0, mean_advantage=0.0),
        given=_steps,
        returns=[[1, 0, 0, 0]],
    ),
    Witness(
        CovarianceBetween(0.5, 4.0, mean_logp=-2.0, mean_advantage=0.0, lot=-1.0),
        parent=CovarianceBetween(0.5, 4.0, mean_logp=-2.0, mean_advantage=0.0),
        given=_steps,
        returns=[[0, 0, 0, 0]],
    ),
)
