"""Top one: the probability that each candidate is the best, by the scores, is to be what the rewards make it.

    loss[k] = -target_k log share_k,   target = softmax of reward / temperature over the group,   share = softmax of score over the group        [B], nats

The gradient of a group's loss is the sum over candidates of (share - target) grad score. With LogRatio(1) on candidates that the reference
drew it is BRAIn's: self-normalised importance weights of the posterior reference(y) exp(reward / temperature) / Z on the one side, of the
policy on the other, which is the baseline. Where the policy is that posterior it vanishes on every group, whatever was drawn.

Source: ListNet, Cao et al. 2007; BRAIn, arXiv 2402.02479, whose target this is where the proposal is the reference (the softmax
over rewards). Default ``temperature`` 1: rewards in nats.
Differs from PlackettLuce: how much better counts, not only which.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses.rankings._groups import group_by_group
from guerdon.losses.rankings.plackett_luce import LN2, LN3, PlackettLuce
from guerdon.quantities import B, Group
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class TopOne:
    per_group: ClassVar[bool] = True

    temperature: float = 1.0

    def __call__(self, score: B, reward: B, group: Group) -> B:
        def of_group(score: Tensor, reward: Tensor) -> Tensor:
            return -(reward / self.temperature).softmax(-1).to(score) * score.log_softmax(-1)

        return group_by_group(of_group, score, reward, group)


_scores = {"score": [0.0, 0.0], "reward": [LN3, 0.0], "group": [0, 0]}
witness = (
    Witness(  # targets of 3/4 and 1/4, shares of 1/2
        TopOne(),
        parent=PlackettLuce(),
        given=_scores,
        returns=[0.75 * LN2, 0.25 * LN2],
        gradient={"score": [-0.25, 0.25]},
    ),
    Witness(  # targets of 9/10 and 1/10
        TopOne(temperature=0.5),
        parent=TopOne(),
        given=_scores,
        returns=[0.9 * LN2, 0.1 * LN2],
        gradient={"score": [-0.4, 0.4]},
    ),
)


def _far_apart(inputs: dict) -> dict:
    """Rewards that differ by far more than the temperature."""
    return inputs | {"reward": torch.arange(len(inputs["reward"])).to(inputs["reward"]) * 1000}


limits = (Limit(TopOne(), equals=PlackettLuce(), when="there are two candidates and one is better by far", under=_far_apart),)
