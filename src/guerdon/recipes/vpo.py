"""VPO, online: online DPO whose likelihood is biased towards rewards under which the best policy would be worth more.

    loss = DPO + alpha * beta * log policy(calibrating answer)

The calibrating answers fix the constant that comparisons leave open; here they are the reference's. Offline, where the sign is the other,
the loss holds the policy to them: ``rpo``.

Source: Cen et al. 2024, arXiv 2405.19320, its online and offline objectives. ``beta`` 0.1: DPO's; ``alpha`` 0.01: ours.
Differs from SELM: both answers of a pair are the policy's, another model's answers calibrate, and the reference stays.
"""

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_actor import OnActor
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.recipe import Recipe, Term


def optimistic(beta: float, alpha: float) -> Recipe:
    """Online DPO at ``beta`` with the optimism of weight ``alpha * beta``."""
    optimism = Term(OnActor(NegativeLogLikelihood(), actor=2), weight=-alpha * beta, reduce=ConstantLength(length=1), data="rollouts")
    return replace(online_dpo, terms=(Term(Pairwise(LogRatio(beta), Logistic())), optimism), sampler=Interpolated((0.0, 0.0, 1.0)))


recipe = optimistic(beta=0.1, alpha=0.01)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 2)
    asked = which[:, 0] != which[:, 1]
    first, second = which[asked].T
    lead, wins = 0.1 * (w.said.ratio[first] - w.said.ratio[second]), w.prefer[first, second]
    dpo = -(chance[asked] * (wins * logsigmoid(lead) + (1 - wins) * logsigmoid(-lead))).sum()
    return dpo + 0.01 * 0.1 * w.said.under("ref").probability @ w.said.total


target = Target("E of DPO's loss on two answers of the policy + 0.01 * 0.1 E[log p(the reference's answer)]", _objective, Acts(judged=True))
