"""IPO: the lead of the preferred answer is to have one size, so that pairs that never disagree do not drive the policy off without end.

Source: IPO, arXiv 2310.12036, eq. 17, times tau^2 with tau = ``beta`` (see ``losses.comparisons.square``): AdamW does not feel the factor, but
the bound on the gradient's norm does. Sums of log-ratios as in the paper; its authors' later advice is the mean (``score: mean_log_ratio``).
Differs from DPO: the square instead of the logistic. ``beta`` 0.1 and the learning rate are DPO's.
"""

from guerdon.losses.comparisons.square import Square
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Optimum, Target
from guerdon.targets.offline import Compared, Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Square(target=0.5))),), AdamW(learning_rate=1e-6))

target = (
    Target(
        "(log-ratio(chosen) - log-ratio(rejected) - 1 / (2 tau))^2,   tau = 0.1",
        lambda d: (d.chosen.ratio - d.rejected.ratio - 1 / (2 * 0.1)).square().mean(),
        Pairs(),
        up_to="times tau^2, which the docstring says",
    ),
    Optimum(
        "E[P(answer beats one of the reference's)] - 0.1 KL(policy || reference), whatever people go by",
        lambda reference, prefer: (reference.log() + prefer @ reference / 0.1).softmax(-1),
        Compared(asked="ref", general=True),
    ),
)
