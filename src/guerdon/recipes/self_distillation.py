"""Self-distillation: the policy is its own teacher, which has been told more: an answer, a hint, what was wrong.

    loss = JSD_1/2(teacher, policy) of each step of the policy's own answers; teacher: a moving average of the policy, whose prompt tells more

What it is told is said where it is bound: ``views: {teacher: {part: in_context, template: "{prompt} The answer is {answer}."}}``, with the columns of the rows. What the
policy can do with the hint it learns to do without. The average takes a copy of the policy that moves; with adapters leave it standing (``recipe.updates: []``).

Source: SDFT, arXiv 2601.19897, on the policy's own answers and with a moving average; beta 1/2, the average's rate of 0.05, one answer to each prompt and the mean over steps and
then answers: TRL 1.16's ``SDFTConfig`` (of which the average is an option, ``teacher_model_kind: ema``, and the 100 most likely steps the default in the place of all).
Learning rate: distillation's.
Differs from Distillation: who teaches, and the bounded divergence.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.losses.against import Against
from guerdon.losses.penalties.jensen_shannon import JensenShannon
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.recipes.distillation import recipe as distillation
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.recipe import Term
from guerdon.training.updates.moving_average import MovingAverage

recipe = replace(
    distillation,
    terms=(Term(Against(JensenShannon(0.5), view="teacher"), reduce=SequenceMean()),),
    updates=(MovingAverage(into="teacher", decay=0.95),),
)


def _objective(w: World) -> Tensor:
    said, taught = w.said.next, w.said.under("teacher").next
    mixed = ((said.exp() + taught.exp()) / 2).log()
    step = ((taught.exp() * (taught - mixed)).sum(-1) + (said.exp() * (said - mixed)).sum(-1)) / 2
    return (w.said.probability.detach() * (step * w.said.mask).sum(-1) / w.said.length).sum()


target = Target(
    "E[mean over steps of the Jensen-Shannon divergence to the teacher], who is drawn and the teacher held",
    _objective,
    Acts(views=("teacher",)),
)
