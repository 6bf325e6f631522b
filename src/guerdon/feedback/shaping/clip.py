"""Clip: no reward beyond two bounds.

    reward -> min(max(reward, low), high)        [B], in units of the reward

Source: the clipped rewards of DQN, Mnih et al. 2015, Nature 518, methods, whose bounds -1 and 1 are the defaults; of a reward model's
score, after normalising it: Secrets of RLHF, arXiv 2307.04964, section 5.3.1.
Invalid where two rewards beyond a bound must stay apart: above it the order is lost.
"""

from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Clip:
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise InputError(f"the reward is clipped between low and high, so low {self.low} may not exceed high {self.high}")

    def __call__(self, reward: B) -> B:
        return reward.clamp(self.low, self.high)


witness = (
    Witness(Clip(), given={"reward": [-3.0, -0.5, 0.5, 3.0]}, returns=[-1.0, -0.5, 0.5, 1.0]),
    Witness(Clip(low=0.0, high=2.0), parent=Clip(), given={"reward": [-3.0, -0.5, 0.5, 3.0]}, returns=[0.0, 0.0, 0.5, 2.0]),
)
