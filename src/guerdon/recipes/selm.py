"""SELM: online DPO with optimism: two answers of the policy are compared, and the likelihood of a third, the reference's, is pushed down.

    loss = DPO + alpha * beta * log policy(reference's answer)

Every round starts from the policy as it is, which becomes the reference. Here a round is a step of the loop; raise ``every`` of the update
with the gradient steps of a round.

Source: Zhang et al. 2024, arXiv 2405.19332, and its authors' code, where the third answer is the one that the data hold
(``selm_trainer.py``); ``beta`` 0.01 and ``alpha`` 0.001: theirs for Zephyr. Learning rate: online DPO's.
Differs from XPO: the reference's answer is not compared, and the reference moves.
"""

from dataclasses import replace

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_actor import OnActor
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.training.recipe import Recipe, Term
from guerdon.training.updates.reset_reference import ResetReference


def optimistic(beta: float, alpha: float) -> Recipe:
    """Online DPO at ``beta`` with the optimism of weight ``alpha * beta``, for a reference that stays."""
    optimism = Term(OnActor(NegativeLogLikelihood(), actor=2), weight=-alpha * beta, reduce=ConstantLength(length=1), data="rollouts")
    return replace(online_dpo, terms=(Term(Pairwise(LogRatio(beta), Logistic())), optimism), sampler=Interpolated((0.0, 0.0, 1.0)))


recipe = replace(optimistic(beta=0.01, alpha=0.001), updates=(ResetReference(every=1),))
