"""PILAF: online DPO on pairs from either side of the policy, so that what is asked is what the objective's gradient depends on.

Half of the pairs are two answers of the policy, half one from further away from the reference and one from nearer to it: next-step logits
(1 + beta) policy - beta reference, and (1 - beta) policy + beta reference.

Source: Feng et al. 2025, arXiv 2502.04270: its sampling rule in the form for language models, with DPO's ``beta``. The rest: online DPO's.
Differs from online DPO: who acts.
"""

from dataclasses import replace

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.training.recipe import Recipe, Term


def interpolated(beta: float) -> Recipe:
    """PILAF at ``beta``."""
    return replace(online_dpo, terms=(Term(Pairwise(LogRatio(beta), Logistic())),), sampler=Interpolated((0.0, 0.0, -beta, beta)))


recipe = interpolated(beta=0.1)
