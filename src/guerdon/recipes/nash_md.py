"""Nash-MD, by policy gradient: an answer is rewarded for beating one that the policy, mixed with its reference, has drawn.

Reward: whether it is preferred, as a game gives it and ``win_rate`` with a judge does for text; the mixture's answers are judged with it
and not learned from. The baseline is 1/2, the mean of the two rewards.

Source: Munos et al. 2023, arXiv 2312.00886, section 7 and appendix F.3: the mixture's weight 1/8, the smallest that it finds good; the KL's
weight and the learning rate: RLOO's.
Differs from SPO: the opponent is nearer to the reference than the policy is.
"""

from dataclasses import replace

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.on_actor import OnActor
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.recipes.rloo import recipe as rloo
from guerdon.training.recipe import Term

recipe = replace(
    rloo,
    terms=(Term(OnActor(Reinforce(), actor=0), reduce=ConstantLength(length=1)),),
    sampler=Interpolated((0.0, 1 / 8)),
    advantage=GroupCentred(scale=None),
)
