"""Judged likelihood: what was sampled becomes more likely, part by part, as far as a judge praises the part and the whole.

    loss_t = - weight_t log p_t,   weight_t = max(least, (1 + judge_contribution_t) / 2) * (1 + reward) / 2        [B, T], nats

``judge_contribution`` says of the part that a step belongs to how well it came out, ``reward`` how well the whole did, both between -1 and 1 (what lies beyond counts as
the bound). A weight is 0 to 1 and has no gradient. ``least``: of parts that are blamed or of which nothing is said.

Source: SRUM, Jin et al. 2025, arXiv 2510.12784, and its authors' code (WayneJin0918/SRUM, ``regional_reward_dataset.py``: the map, never under 0.5 before the
whole's factor, which is the default here). There the loss is the squared error of an image's flow, and a second term, with a weight of 0.1, keeps to the image it was
made from; here a penalty from the reference is that term.
Differs from NegativeLogLikelihood: own samples, each step as far as it is good. Invalid alone: weights are never negative, so that without a judge who blames it sharpens
whatever is said.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.quantities import BT, B
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class JudgedLikelihood:
    least: float = 0.5

    def __call__(self, logp: BT, judge_contribution: BT, reward: B) -> BT:
        part = _share(judge_contribution).clamp(min=self.least)
        return -part * _share(reward).unsqueeze(-1) * logp


def _share(verdict: BT | B) -> BT | B:
    """A verdict between -1 and 1 as a share between 0 and 1."""
    return ((1 + verdict.detach()) / 2).clamp(0, 1)


_given = {"logp": [[-1.0, -2.0, -4.0]], "judge_contribution": [[1.0, 0.5, -1.0]], "reward": [0.0]}
witness = (
    Witness(
        JudgedLikelihood(),
        parent=NegativeLogLikelihood(),
        given=_given,
        returns=[[0.5, 0.75, 1.0]],
        gradient={"logp": [[-0.5, -0.375, -0.25]], "judge_contribution": None, "reward": None},
    ),
    Witness(JudgedLikelihood(least=0.0), parent=JudgedLikelihood(), given=_given, returns=[[0.5, 0.75, 0.0]]),
)


def _all_praised(inputs: dict) -> dict:
    return inputs | {"judge_contribution": torch.ones_like(inputs["logp"]), "reward": torch.ones_like(inputs["logp"][:, 0])}


limits = (Limit(JudgedLikelihood(), equals=NegativeLogLikelihood(), when="parts and whole are all praised", under=_all_praised),)
