"""BCO: a classifier of good and bad answers whose logit is the policy's own log-ratio, counted from between the two.

Source: BCO, arXiv 2404.04656; the reward shift is that of the step's batch (see ``losses.reference_points.batch_mean``). ``beta`` 0.01 and the learning rate 5e-7:
its appendix C, as TRL's index of papers cites it. The data are rows of {prompt, completion, label}; TRL's ``bco_pair``, for pairs and without the shift, is the
recipe of that name.
Differs from KTO: the logarithm of the probability, so that an answer that is far on the wrong side pulls most; another reference point.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.pointwise import Pointwise
from guerdon.losses.reference_points.batch_mean import BatchMean
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.targets import Target
from guerdon.targets.offline import Rows, Verdicts
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pointwise(LogRatio(beta=0.01), CrossEntropy(), BatchMean())),), AdamW(learning_rate=5e-7))


def _objective(d: Rows) -> Tensor:
    score, good = 0.01 * d.each.ratio, d.columns["label"] == 1
    shift = ((score[good].mean() + score[~good].mean()) / 2).detach()
    return torch.where(good, -logsigmoid(score - shift), -logsigmoid(shift - score)).mean()


target = Target(
    "cross-entropy of the verdict under the logit 0.01 log-ratio - shift, a constant halfway between the means of good and bad",
    _objective,
    Verdicts(),
)
