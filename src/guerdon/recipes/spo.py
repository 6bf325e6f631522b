"""SPO: self-play, in which the reward of an answer is its share of wins against the policy's other answers.

The reward of a finite game is that share; for text name ``win_rate`` with a judge as the reward.

Source: SPO, arXiv 2401.04056, which leaves the policy optimiser open; here REINFORCE with the group's mean as the baseline,
one step a batch. Group: GRPO's 8; learning rate: RLOO's.
Differs from RLOO: no reward but a comparison, so that what is learned need not be transitive.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.recipes.rloo import recipe as rloo

recipe = replace(rloo, sampler=Group(8))
