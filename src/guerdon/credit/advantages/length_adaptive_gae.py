"""Length-adaptive GAE: the horizon of an answer grows with its length.

    lam         = 1 - 1 / max(alpha * length, 1)        length: acted steps
    advantage_t = delta_t + gamma * lam * advantage_(t+1)        delta_t as in GAE; [B, T], in units of reward

The weights lam^k add up to about alpha * length, so that a reward at the end reaches back over the same share of every answer; with a
constant lam of 0.95 nothing of it is left after a few hundred steps. Where alpha * length is 1 or less, lam is 0. The critic beside it
learns towards the return itself: ``target=LambdaReturn(GAE(lam=1))`` (VC-PPO's decoupled GAE).

Source: VAPO, arXiv 2504.05118, with ``alpha`` 0.05. That lam is not below 0 is ours, and NeMo-RL's.
Differs from GAE: lam is not the same for a short and a long answer.
"""

from dataclasses import dataclass

from guerdon.credit.advantages.gae import GAE, generalised
from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class LengthAdaptiveGAE:
    gamma: float = 1.0
    alpha: float = 0.05

    def __call__(self, step_reward: BT, old_value: BT, mask: Mask) -> BT:
        lam = 1 - 1 / (self.alpha * mask.sum(-1).to(old_value.dtype)).clamp(min=1.0)
        return generalised(step_reward, old_value, mask, self.gamma, lam)


_two = {"step_reward": [[0.0, 4.0], [4.0, 9.0]], "old_value": [[1.0, 2.0], [2.0, 9.0]], "mask": [[1, 1], [1, 0]]}
witness = (
    Witness(  # lengths 2 and 1: lam 1/2 and 0; residuals 1 and 2, and 2
        LengthAdaptiveGAE(alpha=1.0), parent=GAE(), given=_two, returns=[[2.0, 2.0], [2.0, 0.0]]
    ),
    Witness(LengthAdaptiveGAE(gamma=0.5, alpha=1.0), parent=LengthAdaptiveGAE(alpha=1.0), given=_two, returns=[[0.5, 2.0], [2.0, 0.0]]),
    Witness(LengthAdaptiveGAE(), parent=LengthAdaptiveGAE(alpha=1.0), given=_two, returns=[[1.0, 2.0], [2.0, 0.0]]),
)
