"""Conservative DPO: every label is taken to be wrong with one probability, so that no pair is ever told apart for sure.

Source: Mitchell 2023, note on DPO, eq. 3 (TRL's ``label_smoothing``); a rate of 0.1 is the label model's default. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the loss of a pair has a minimum, where the policy is as sure as the labels are.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic(), label=Noisy(rate=0.1))),), AdamW(learning_rate=1e-6))

target = Target(
    "DPO, with each verdict taken to be wrong with probability 0.1",
    lambda d: (
        -0.9 * logsigmoid(0.1 * (d.chosen.ratio - d.rejected.ratio)) - 0.1 * logsigmoid(0.1 * (d.rejected.ratio - d.chosen.ratio))
    ).mean(),
    Pairs(),
)
