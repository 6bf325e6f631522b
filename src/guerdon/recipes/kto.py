"""KTO: verdicts on single answers, weighed as people weigh prospects: from a reference point, and less and less the further from it.

Source: KTO, arXiv 2402.01306, ``beta`` 0.1, both weights 1, learning rate 1e-6: TRL's. The data are rows of {prompt, completion, label}.
Differs from DPO: no pairs. A step needs answers to several prompts, since the reference point is what the policy makes of answers to others.
"""

import torch
from torch import Tensor

from guerdon.losses.pointwise import Pointwise
from guerdon.losses.reference_points.mismatched_kl import MismatchedKL
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.verdicts.prospect import Prospect
from guerdon.targets import Target
from guerdon.targets.offline import Rows, Verdicts
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pointwise(LogRatio(beta=0.1), Prospect(), MismatchedKL())),), AdamW(learning_rate=1e-6))


def _objective(d: Rows) -> Tensor:
    score, good = 0.1 * d.each.ratio, d.columns["label"] == 1
    other = d.each.to(d.each.context.flip(0))  # two answers, each put to the other's prompt
    point = (0.1 * other.ratio.mean()).clamp(min=0).detach()
    return torch.where(good, 1 - (score - point).sigmoid(), 1 - (point - score).sigmoid()).mean()


target = Target(
    "1 - sigmoid(0.1 log-ratio - z) of a good answer, 1 - sigmoid(z - 0.1 log-ratio) of a bad one; z what the policy makes of answers to others",
    _objective,
    Verdicts(which=(1, 3)),
)
