"""SPO: self-play, in which the reward of an answer is its share of wins against the policy's other answers.

The reward of a finite game is that share; for text name ``win_rate`` with a judge as the reward.

Source: SPO, arXiv 2401.04056, which leaves the policy optimiser open; here REINFORCE with 1/2 as the baseline, one step a batch. The mean of the others' shares
would not do: each of these holds the answer itself, so that among n the wins counted n / (n - 1) and the KL 1 (of eight answers, the KL 7/8 of what it says).
Group: GRPO's 8; the KL's weight and the learning rate: RLOO's.
Differs from RLOO: no reward but a comparison, so that what is learned need not be transitive; the baseline.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.fixed_baseline import FixedBaseline
from guerdon.recipes.rloo import recipe as rloo
from guerdon.targets import Target
from guerdon.targets.acting import Acts

recipe = replace(rloo, sampler=Group(8), advantage=FixedBaseline())

target = Target(
    "- E[P(answer beats one of the policy's, held)] + 0.03 KL(policy || reference)",
    lambda w: 0.03 * (w.said.probability * w.said.ratio).sum() - w.said.probability @ w.prefer @ w.said.probability.detach(),
    Acts(game=True, group=2, prompts=2),  # two prompts: a win counts in its own group
)
