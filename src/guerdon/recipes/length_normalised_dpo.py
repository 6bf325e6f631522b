"""Length-normalised DPO: log-ratios per token, so that a long answer does not weigh more.

Source: Tulu 3, arXiv 2411.15124, section 5 (TRL's ``loss_type="sigmoid_norm"``): ``beta`` 5 and a learning rate of 5e-7.
Differs from DPO: the mean over tokens instead of the sum, and a ``beta`` that is larger by about the length of an answer.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.mean_log_ratio import MeanLogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(MeanLogRatio(beta=5.0), Logistic())),), AdamW(learning_rate=5e-7))

target = Target(
    "- log sigmoid(5 (log-ratio(chosen) / length - log-ratio(rejected) / length))",
    lambda d: -logsigmoid(5 * (d.chosen.ratio / d.chosen.length - d.rejected.ratio / d.rejected.length)).mean(),
    Pairs(),
)
