"""Distillation of own successes (SDPO): where one of a group's answers succeeded, the others are held to what the policy would say had it been shown that answer.

    loss = (log p - log q)^2 / 2 of each step that was drawn; q: the policy, behind a prompt in which a success of the group stands        0 for an answer of which nothing is known

``views: {teacher: {part: own_success}}`` says what q is told. Its gradient is that of KL(policy || q) of each step. q follows the policy slowly, for which every parameter is
trained, without adapters; else ``updates: []``, and ``policy: now`` or ``start``.

Source: SDPO, arXiv 2601.20802, in the form of TRL 1.16's ``SDPOConfig``: of the token that was drawn (``sampled_token``), an average with a rate of 0.05, the mean over steps and
then over all answers, told or not; the reward says what a success is and is not learned from otherwise. Eight answers: TRL's default. Learning rate: distillation's.
Differs from self_distillation: nothing is told that the policy did not find itself.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.losses.against import Against
from guerdon.losses.choices.told import Told
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.where import Where
from guerdon.recipes.distillation import recipe as distillation
from guerdon.training.recipe import Term
from guerdon.training.updates.moving_average import MovingAverage

recipe = replace(
    distillation,
    terms=(Term(Where(Told(), then=Against(KLSquare(), view="teacher")), reduce=SequenceMean()),),
    sampler=Group(num_generations=8),
    updates=(MovingAverage(into="teacher", decay=0.95),),
)
no_target = "what its teacher is told is a text of the policy's own, and the targets' world has none"
