"""RENT: GRPO whose only reward is minus the entropy of the policy's own steps; no answer is known, and a true reward beside it is watched.

Source: RENT, arXiv 2505.22660, and its authors' code: GRPO with r = -H, averaged over the answer's tokens.
Bound, group, learning rate and the weight of the KL are those of ``grpo``.
Differs from GRPO: what is learned from is what the policy says of itself; whatever else rewards a completion is a component that is watched.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.feedback.combining.only import Only
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.recipes.grpo import recipe as grpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World

recipe = replace(grpo, intrinsic={"negative_entropy": NegativeEntropy()}, combine=Only(("negative_entropy",)))


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 3)
    next = w.said.next.detach()
    entropy = -(next.exp() * next).sum(-1)
    reward = -((entropy * w.said.mask).sum(-1) / w.said.length)[which]
    advantage = (reward - reward.mean(-1, True)) / (reward.std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    behind = said.under("ref").steps - said.steps
    step = (said.steps - said.steps.detach()).exp() * advantage.unsqueeze(-1) - 0.04 * (behind.exp() - behind - 1)
    return -(chance * ((step * said.mask).sum(-1) / said.length).mean(-1)).sum()


target = Target("- E[mean over the group of (mean over steps of (the gain of -H - 0.04 (ref/p - log ref/p - 1)))]", _objective, Acts())
