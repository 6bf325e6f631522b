"""ExP-DPO: DPO whose winners are explanations that the policy finds when it is told the answer, and whose losers are answers of its own that went wrong.

Who explains is the view ``teacher``, bound as for ``exp_grpo``. Of an answer and an explanation the one with the higher reward wins; where both are right, or both wrong, there is
nothing to compare.

Source: ExPO, arXiv 2507.02834, its abstract and what is said of it elsewhere; here in its online form, with pairs drawn anew at each step. ``beta`` and learning rate: DPO's.
Differs from online DPO: one of the two answers is told what comes out.
"""

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World

recipe = replace(online_dpo, sampler=Interpolated((0.0, 1.0), view="teacher"), pairing=BestWorst())


def _objective(w: World) -> Tensor:
    which, chance = w.draws(w.said.probability, w.said.under("teacher").probability)
    better = w.reward[which[:, 1]] - w.reward[which[:, 0]]
    lead = 0.1 * (w.said.ratio[which[:, 1]] - w.said.ratio[which[:, 0]]) * better.sign()
    return -(chance * (better != 0) * logsigmoid(lead)).sum()


target = Target(
    "E over an answer of the policy and one of the teacher, one of which is better, of DPO's loss; who is drawn is held",
    _objective,
    Acts(views=("teacher",)),
)
