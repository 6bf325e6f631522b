"""MA-PPO: PPO in which five tokens are one action.

Source: MA-RLHF, arXiv 2410.02743, and its authors' code (``ppo_trainer.py``, ``value_function`` equal); fixed macro-actions of 5, gamma 1, lambda 0.95, ratios and values
clipped by 0.2. All else is our PPO's: the weight of the KL, which they take from the reward too, its learning rates, four epochs, advantages normalised over the batch.
Differs from PPO: values, residuals and discounts are those of macro-actions, whose tokens share one advantage.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.segment_gae import SegmentGAE
from guerdon.credit.segments.every_n import EveryN
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.recipes.ppo import recipe as ppo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped

recipe = replace(
    ppo,
    segments=EveryN(n=5),
    advantage=BatchNormalised(SegmentGAE(gamma=1.0, lam=0.95)),
    target=LambdaReturn(SegmentGAE(gamma=1.0, lam=0.95)),
)


def _objective(w: World) -> Tensor:
    """Answers of two steps are one macro-action."""
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    said, nodes = w.said.at(which), w.nodes()[which]
    tokens = said.length.sum(-1)[:, None, None]
    paid = 0.05 * ((said.under("old").steps - said.under("ref").steps) * said.mask).sum(-1)
    value = w.old_value[nodes] * said.mask
    gae = (w.reward[which] - paid - value.sum(-1) / said.length).unsqueeze(-1) * said.mask
    centred = (gae - gae.sum((-2, -1), True) / tokens) * said.mask
    deviation = (centred.square().sum((-2, -1), True) / tokens).sqrt()
    advantage = torch.where(deviation > 1e-9, centred / (deviation + 1e-8), 0.0)
    gain = clipped((said.steps - said.under("old").steps).exp(), advantage, 0.2, 0.2) * said.mask
    error = (w.value[nodes] - (gae + value)).square() * said.mask
    return -(chance * (gain - error).sum((-2, -1)) / tokens.squeeze()).sum()


target = Target(
    "- E[mean over tokens of the clipped gain of (reward - 0.05 log-ratio - mean value of the answer), normalised] + E[(value - that - value before)^2]",
    _objective,
    Acts(group=1, prompts=2, away=True, critic=True),
)
