"""DNO: each round the policy is fitted, by a logistic comparison with itself as the reference, to which of its answers win more often against
all of them.

Reward: the share of wins of an answer against the others of its group, as a game gives it and ``win_rate`` does for text. A round is a step
of the loop, in ``epochs`` gradient steps.

Source: DNO-Prct, arXiv 2404.03715: pairs of a large margin, DPO's loss, the previous iterate as the reference. ``beta`` and
the sampler: DPO's and GRPO's; ten epochs: ours.
Differs from online DPO: what is better is decided against the policy and not between the two, and the reference moves.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.large_margin import LargeMargin
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.training.updates.reset_reference import ResetReference

recipe = replace(online_dpo, sampler=Group(8), pairing=LargeMargin(), epochs=10, updates=(ResetReference(every=1),))
