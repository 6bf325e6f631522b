"""DPO: the reward model is the policy's own log-ratio to the reference.

Source: DPO, arXiv 2305.18290, eq. 7; ``beta`` 0.1, learning rate 1e-6: its appendix B.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Optimum, Target
from guerdon.targets.offline import Compared, Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic())),), AdamW(learning_rate=1e-6))

target = (
    Target(
        "- log sigmoid(0.1 (log-ratio(chosen) - log-ratio(rejected)))",
        lambda d: -logsigmoid(0.1 * (d.chosen.ratio - d.rejected.ratio)).mean(),
        Pairs(),
    ),
    Optimum(
        "E[reward] - 0.1 KL(policy || reference), where people compare by the reward",
        lambda reference, reward: (reference.log() + reward / 0.1).softmax(-1),
        Compared(),
    ),
)
