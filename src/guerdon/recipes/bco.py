"""BCO: a classifier of good and bad answers whose logit is the policy's own log-ratio, counted from between the two.

Source: BCO, arXiv 2404.04656; the reward shift is that of the step's batch (see ``losses.reference_points.batch_mean``). ``beta`` and the learning rate are DPO's. The
data are rows of {prompt, completion, label}; TRL's ``bco_pair``, for pairs and without the shift, is the link ``pointwise_logistic``.
Differs from KTO: the logarithm of the probability, so that an answer that is far on the wrong side pulls most; another reference point.
"""

from guerdon.losses.pointwise import Pointwise
from guerdon.losses.reference_points.batch_mean import BatchMean
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pointwise(LogRatio(beta=0.1), CrossEntropy(), BatchMean())),), AdamW(learning_rate=1e-6))
