"""GKD: distillation on answers of which half are the student's own, by a divergence between the two directions of KL.

    loss = lmbda E_own[JSD_beta] + (1 - lmbda) E_data[JSD_beta], each the mean over its steps        lmbda, beta 1/2

``views: {teacher: MODEL}`` names the teacher, and the rows have a ``completion`` beside the ``prompt``. Every step learns from an answer of either kind to each
prompt, where the paper throws a coin of weight lmbda for a batch: the same in expectation. Without answers in the data take ``distillation``, which is lmbda 1; without
sampling ``knowledge_distillation``. Answers that the teacher has written (TRL's ``seq_kd``) are rows like others: guerdon sample writes them.

Source: Agarwal et al. 2023, arXiv 2306.13649; ``lmbda`` and ``beta`` 1/2: TRL 1.16's ``GKDConfig``. Learning rate: distillation's.
Differs from Distillation: learns from given answers too, and from a bounded divergence.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.acting.samplers.beside_given import BesideGiven
from guerdon.losses.against import Against
from guerdon.losses.on_actor import OnActor
from guerdon.losses.penalties.jensen_shannon import JensenShannon
from guerdon.recipes.distillation import recipe as distillation
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.recipe import Term

LMBDA = 0.5
apart = Against(JensenShannon(0.5), view="teacher")
recipe = replace(
    distillation,
    terms=(Term(OnActor(apart, actor=0), weight=LMBDA), Term(OnActor(apart, actor=1), weight=1 - LMBDA)),
    sampler=BesideGiven(("completion",), greedy=False),
)


def _objective(w: World) -> Tensor:
    said, taught = w.said.next, w.said.under("teacher").next
    mixed = ((said.exp() + taught.exp()) / 2).log()
    step = ((taught.exp() * (taught - mixed)).sum(-1) + (said.exp() * (said - mixed)).sum(-1)) / 2
    each = (step * w.said.mask).sum(-1) / w.said.length
    return (w.said.probability.detach() * each).sum() / 2 + each[1] / 2


target = Target(
    "1/2 E_own, who is drawn held, + 1/2 given: mean over steps of the Jensen-Shannon divergence to the teacher",
    _objective,
    Acts(views=("teacher",), given=(("completion", 1),)),
)
