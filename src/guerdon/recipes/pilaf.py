"""PILAF: online DPO on pairs from either side of the policy, so that what is asked is what the objective's gradient depends on.

Half of the pairs are two answers of the policy, half one from further away from the reference and one from nearer to it: next-step logits
(1 + beta) policy - beta reference, and (1 - beta) policy + beta reference.

Source: Feng et al. 2025, arXiv 2502.04270: its sampling rule in the form for language models, with DPO's ``beta``. The rest: online DPO's.
Differs from online DPO: who acts.
"""

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.recipe import Recipe, Term


def interpolated(beta: float) -> Recipe:
    """PILAF at ``beta``."""
    return replace(online_dpo, terms=(Term(Pairwise(LogRatio(beta), Logistic())),), sampler=Interpolated((0.0, 0.0, -beta, beta)))


recipe = interpolated(beta=0.1)


def _objective(w: World) -> Tensor:
    reference = w.said.under("ref").next
    beyond, short = ((1.1 * w.said.next - 0.1 * reference), (0.9 * w.said.next + 0.1 * reference))
    actors = [w.said.probability] * 2 + [w.said.of(steps.log_softmax(-1)).exp() for steps in (beyond, short)]
    which, chance = w.draws(*actors)
    pairs = which.view(-1, 2, 2)
    better, worse = w.reward[pairs].argsort(-1, descending=True).unbind(-1)
    ratio = w.said.ratio[pairs]
    lead = 0.1 * (ratio.gather(-1, better.unsqueeze(-1)) - ratio.gather(-1, worse.unsqueeze(-1))).squeeze(-1)
    asked = (pairs[..., 0] != pairs[..., 1]).double()
    return -(chance * (asked * logsigmoid(lead)).sum(-1) / asked.sum(-1).clamp(min=1)).sum()


target = Target(
    "E of DPO's loss over a pair of the policy's and a pair of logits (1 + 0.1) policy - 0.1 reference and (1 - 0.1) policy + 0.1 reference",
    _objective,
    Acts(),
)
