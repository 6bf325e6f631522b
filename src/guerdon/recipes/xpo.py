"""XPO: online DPO against the reference's answers, with optimism: the policy is rewarded for saying what the reference would not.

    loss = DPO on (policy's answer, reference's answer) + alpha * log policy(reference's answer)

Source: Xie et al. 2024, arXiv 2405.21046. ``alpha`` 1e-5: TRL's, while it had it. The rest: online DPO's.
Differs from online DPO: one of the two answers is the reference's, and its likelihood is pushed down whether it wins or not.
"""

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_actor import OnActor
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.recipe import Term

ALPHA = 1e-5
# log-probabilities of whole answers: a constant length of 1; minus, since the part is their negative
optimism = Term(OnActor(NegativeLogLikelihood(), actor=1), weight=-ALPHA, reduce=ConstantLength(length=1), data="rollouts")
recipe = replace(online_dpo, terms=(*online_dpo.terms, optimism), sampler=Interpolated((0.0, 1.0)))


def _objective(w: World) -> Tensor:
    reference = w.said.under("ref").probability
    which, chance = w.draws(w.said.probability, reference)
    asked = which[:, 0] != which[:, 1]
    first, second = which[asked].T
    lead, wins = 0.1 * (w.said.ratio[first] - w.said.ratio[second]), w.prefer[first, second]
    dpo = -(chance[asked] * (wins * logsigmoid(lead) + (1 - wins) * logsigmoid(-lead))).sum()
    return dpo + 1e-5 * reference @ w.said.total


target = Target(
    "E of DPO's loss on an answer of the policy and one of the reference + 1e-5 E[log p(the reference's)]", _objective, Acts(judged=True)
)
