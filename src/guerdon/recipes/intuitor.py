"""Intuitor: GRPO whose only reward is the policy's self-certainty, the distance of its next steps from the uniform distribution; a true reward beside it is watched.

Source: Intuitor, arXiv 2505.19590, and its authors' settings for 3B: weight of the KL in the loss 0.005 (k3), learning rate 3e-6. Bound and group are those of ``grpo``.
Differs from RENT: KL(uniform || policy) in the place of minus the entropy, which is KL(policy || uniform) up to a constant.
"""

import math
from dataclasses import replace

from torch import Tensor

from guerdon.feedback.combining.only import Only
from guerdon.feedback.intrinsic.self_certainty import SelfCertainty
from guerdon.recipes.grpo import recipe as grpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW

recipe = replace(
    grpo,
    terms=(grpo.terms[0], replace(grpo.terms[1], weight=0.005)),
    optimiser=AdamW(learning_rate=3e-6),
    intrinsic={"self_certainty": SelfCertainty()},
    combine=Only(("self_certainty",)),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 3)
    next = w.said.next.detach()
    certainty = -next.mean(-1) - math.log(next.shape[-1])
    reward = ((certainty * w.said.mask).sum(-1) / w.said.length)[which]
    advantage = (reward - reward.mean(-1, True)) / (reward.std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    behind = said.under("ref").steps - said.steps
    step = (said.steps - said.steps.detach()).exp() * advantage.unsqueeze(-1) - 0.005 * (behind.exp() - behind - 1)
    return -(chance * ((step * said.mask).sum(-1) / said.length).mean(-1)).sum()


target = Target(
    "- E[mean over the group of (mean over steps of (the gain of KL(uniform || p) - 0.005 (ref/p - log ref/p - 1)))]", _objective, Acts()
)
