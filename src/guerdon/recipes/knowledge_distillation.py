"""Knowledge distillation: on answers that are given, say at every step what the teacher would say, all of it.

``views: {teacher: MODEL}`` names the teacher.

Source: Hinton et al. 2015, arXiv 1503.02531, word by word: the supervised distillation of GKD, arXiv 2306.13649, and TRL's ``GKDTrainer`` with ``lmbda`` 0
and ``beta`` 0; token mean as there. Learning rate: SFT's.
Differs from SFT: the teacher's next-step distribution is in the place of the one step that was taken.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.losses.against import Against
from guerdon.losses.penalties.kl_forward import KLForward
from guerdon.recipes.sft import recipe as sft
from guerdon.targets import Target
from guerdon.targets.offline import Demonstrations, Rows
from guerdon.training.recipe import Term

recipe = replace(sft, terms=(Term(Against(KLForward(), view="teacher")),))


def _objective(d: Rows) -> Tensor:
    taught, said = d.each.under("teacher").next, d.each.next
    each = (taught.exp() * (taught - said)).sum(-1) * d.each.mask
    return each.sum() / d.each.length.sum()


target = Target("KL(teacher || policy) of a step, the mean over all", _objective, Demonstrations(views=("teacher",)))
