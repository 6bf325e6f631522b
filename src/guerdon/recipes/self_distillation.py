"""Self-distillation: the policy is its own teacher, which has been told more: an answer, a hint, what was wrong.

    loss = JSD_1/2(teacher, policy) of each step of the policy's own answers; teacher: the policy as it began, whose prompt tells more

What it is told is said where it is bound: ``views: {teacher: {part: in_context, template: "{prompt} The answer is {answer}."}}``, with the columns of the rows.
What the policy can do with the hint it learns to do without. A teacher that learns along is ``policy: now`` there, or a moving average
(``recipe.updates: [{part: moving_average, into: teacher, decay: 0.95}]``, SDPO's and that of TRL's SDFT, for which every parameter has to be trained, without
adapters).

Source: SDFT, arXiv 2601.19897, on the policy's own answers; beta 1/2, the standing teacher, one answer to each prompt and the mean over steps and then answers: TRL
1.16's ``SDFTConfig``, which looks at the student's 100 most likely steps where this looks at all. Learning rate: distillation's.
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

recipe = replace(
    distillation,
    terms=(Term(Against(JensenShannon(0.5), view="teacher"), reduce=SequenceMean()),),
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
