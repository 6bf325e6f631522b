"""Trajectory residual: the policy's own logits are the soft values of steps, and their Bellman errors are to sum to nothing along a sequence.

    x    = log_sum_exp at the first acted step + sum over acted steps of (logp - ref_logp) - reward / beta
    loss = x^2        [B, T], the same at each acted step: averaged by ``SequenceMean``, every sequence counts alike

With Q / beta = the logits and V / beta = their log-sum-exp, the error of a step is Q - V of what follows - beta log(reference) - its reward, over beta. All V but the first cancel
along the way, and so one number a sequence is left, whoever drew it: no critic, no importance weights. A constant of the logits of a prompt's first step costs nothing and is
what the expected reward is told apart by. Where all x are 0 the policy is reference * exp(reward / beta) / Z, the optimum of reward - beta KL.

Source: TBRM, Yuan et al. 2025, arXiv 2505.15311, of which the abstract and descriptions were read. ``beta`` 1: a reward in nats.
Differs from ReturnDecomposition: what is to sum to the outcome is the policy's log-ratio, and not a further model's.
"""

from dataclasses import dataclass

from guerdon.losses.values.return_decomposition import ReturnDecomposition
from guerdon.quantities import BT, B, Mask
from guerdon.steps import clean, spread, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class TrajectoryResidual:
    beta: float = 1.0

    def __call__(self, logp: BT, ref_logp: BT, log_sum_exp: BT, reward: B, mask: Mask) -> BT:
        first = clean(log_sum_exp, mask & (mask.cumsum(-1) == 1)).sum(-1)
        apart = first + total(logp - ref_logp.detach(), mask) - reward.detach() / self.beta
        return spread(apart**2, mask)


_given = {  # x of beta 1: 2 + (1 - 2) - 3 and 1 + 1 - 0; of beta 2: -0.5 and 2
    "logp": [[9.0, -1.0, -3.0], [-1.0, 9.0, 9.0]],
    "ref_logp": [[9.0, -2.0, -1.0], [-2.0, 0.0, 0.0]],
    "log_sum_exp": [[9.0, 2.0, 7.0], [1.0, 9.0, 9.0]],
    "reward": [3.0, 0.0],
    "mask": [[0, 1, 1], [1, 0, 0]],
}
witness = (
    Witness(
        TrajectoryResidual(),
        parent=ReturnDecomposition(),
        given=_given,
        returns=[[0.0, 4.0, 4.0], [4.0, 0.0, 0.0]],
        gradient={  # of the sum over both steps
            "logp": [[0.0, -8.0, -8.0], [4.0, 0.0, 0.0]],
            "log_sum_exp": [[0.0, -8.0, 0.0], [4.0, 0.0, 0.0]],
            "ref_logp": None,
            "reward": None,
        },
    ),
    Witness(
        TrajectoryResidual(beta=2.0),
        parent=TrajectoryResidual(),
        given=_given,
        returns=[[0.0, 0.25, 0.25], [4.0, 0.0, 0.0]],
        gradient={"logp": [[0.0, -2.0, -2.0], [4.0, 0.0, 0.0]]},
    ),
)
