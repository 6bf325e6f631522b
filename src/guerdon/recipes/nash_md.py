"""Nash-MD, by policy gradient: an answer is rewarded for beating one that the policy, mixed with its reference, has drawn.

Reward: whether it is preferred, as a game gives it and ``win_rate`` with a judge does for text, minus 1/2 and minus the KL's weight times the log-ratio; the mixture's
answers are judged with it and not learned from. (The mean over the two of a prompt as the baseline would take half of the KL away with the wins' 1/2.)

Source: Munos et al. 2023, arXiv 2312.00886, section 7 and appendix F.3: the mixture's weight 1/8, the smallest that it finds good; the KL's
weight and the learning rate: RLOO's.
Differs from SPO: the opponent is nearer to the reference than the policy is.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.credit.advantages.fixed_baseline import FixedBaseline
from guerdon.losses.on_actor import OnActor
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.recipes.rloo import recipe as rloo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.recipe import Term

recipe = replace(
    rloo,
    terms=(Term(OnActor(Reinforce(), actor=0), reduce=ConstantLength(length=1)),),
    sampler=Interpolated((0.0, 1 / 8)),
    advantage=FixedBaseline(),
)


def _objective(w: World) -> Tensor:
    mixed = (7 / 8 * w.said.next + 1 / 8 * w.said.under("ref").next).log_softmax(-1).detach()  # step by step
    kl = (w.said.probability * w.said.ratio).sum()
    return 0.03 * kl - w.said.probability @ w.prefer @ w.said.of(mixed).exp()


target = Target("- E[P(answer beats one of the mixture's, held)] + 0.03 KL(policy || reference)", _objective, Acts(game=True))
