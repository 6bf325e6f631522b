"""Robust DPO: labels are wrong with a known probability, and the loss is corrected so that its expectation is that of right ones.

Source: robust DPO, arXiv 2403.00409, eq. 12 (TRL's ``loss_type="robust"``); a rate of 0.1 is the label model's default. ``beta`` 0.1
and the learning rate are DPO's: the paper's 0.01 and 1e-3 (its appendix B, as TRL's index of papers cites it) are not
taken, so that the label model is all that differs from DPO.
Differs from conservative DPO: undoes the noise instead of believing less.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.unbiased import Unbiased
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Optimum, Target
from guerdon.targets.offline import Compared, Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic(), label=Unbiased(rate=0.1))),), AdamW(learning_rate=1e-6))


def _objective(d: Rows) -> Tensor:
    lead = 0.1 * (d.chosen.ratio - d.rejected.ratio)
    return ((-0.9 * logsigmoid(lead) + 0.1 * logsigmoid(-lead)) / (1 - 2 * 0.1)).mean()


target = (
    Target("(0.9 l(chosen, rejected) - 0.1 l(rejected, chosen)) / 0.8,   l DPO's loss", _objective, Pairs()),
    Optimum(
        "that of DPO, from verdicts of which a tenth is wrong",
        lambda reference, reward: (reference.log() + reward / 0.1).softmax(-1),
        Compared(flip=0.1),
    ),
)
