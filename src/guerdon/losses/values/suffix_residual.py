"""Suffix residual: the policy's own logits are shifted soft values, and from each step on what is earned is to be what the step's value says.

    V_t  = beta * (log_sum_exp_t - ref_log_sum_exp_t)
    x_t  = sum over acted steps k >= t of (step_reward_k - beta * (logp_k - ref_logp_k)) - V_t
    loss = (x_t / beta)^2        [B, T]

The reference's log-sum-exp makes every V 0 at the start, whatever constants its logits have. A step that is looked at by itself learns from its own reward and what follows; the
sum over the whole sequence alone says only what all of it was worth. Where all x are 0 the policy is the optimum of E[reward] - beta KL, whoever drew the sequences.

Source: ShiQ, Clavier et al. 2025, arXiv 2505.11081, multi-step form, of which the abstract and descriptions were read; its square is not divided by beta^2, which a learning
rate takes up. ``beta`` 1: a reward in nats.
Differs from TrajectoryResidual: an error for each suffix, with rewards of the steps; values count from the reference's.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.losses.values.trajectory_residual import TrajectoryResidual
from guerdon.quantities import BT, Mask
from guerdon.steps import clean, on_last
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SuffixResidual:
    beta: float = 1.0

    def __call__(self, logp: BT, ref_logp: BT, log_sum_exp: BT, ref_log_sum_exp: BT, step_reward: BT, mask: Mask) -> BT:
        following = ReturnToGo()(step_reward.detach() / self.beta - (logp - ref_logp.detach()), mask)
        return clean((following - (log_sum_exp - ref_log_sum_exp.detach())) ** 2, mask)


_given = {  # x: 4 + 2 - (1 - 1) - 3, and 2 + 1 - 2; of beta 2: 2 + 1 - 0 - 3 and 1 + 1 - 2
    "logp": [[-1.0, 9.0, -2.0]],
    "ref_logp": [[-2.0, 9.0, -1.0]],
    "log_sum_exp": [[4.0, 9.0, 2.0]],
    "ref_log_sum_exp": [[1.0, 9.0, 0.0]],
    "step_reward": [[4.0, 9.0, 2.0]],
    "mask": [[1, 0, 1]],
}
witness = (
    Witness(
        SuffixResidual(),
        parent=TrajectoryResidual(),
        given=_given | {"reward": [6.0]},
        returns=[[9.0, 0.0, 1.0]],
        gradient={
            "logp": [[-6.0, 0.0, -8.0]],
            "log_sum_exp": [[-6.0, 0.0, -2.0]],
            "ref_logp": None,
            "ref_log_sum_exp": None,
            "step_reward": None,
        },
    ),
    Witness(
        SuffixResidual(beta=2.0), parent=SuffixResidual(), given=_given, returns=[[0.0, 0.0, 0.0]], gradient={"logp": [[0.0, 0.0, 0.0]]}
    ),
)


def _one_step(inputs: dict) -> dict:
    """Sequences of one step, and a reference whose logits are normalised."""
    first = torch.zeros_like(inputs["mask"])
    first[:, :1] = True
    return inputs | {
        "mask": first,
        "ref_log_sum_exp": torch.zeros_like(inputs["ref_log_sum_exp"]),
        "step_reward": on_last(inputs["reward"], first),
    }


limits = (
    Limit(
        SuffixResidual(), equals=TrajectoryResidual(), when="there is one step, and the reference's logits are normalised", under=_one_step
    ),
)
