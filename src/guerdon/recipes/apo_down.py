"""APO-down: both answers are made less likely, the rejected one more so.

Source: APO, arXiv 2408.06266, eq. 8 (TRL's ``loss_type="apo_down"``), for chosen answers that are worse than what the model would write. ``beta`` 0.1
and the learning rate 2e-7: its section 5.2, as TRL's index of papers cites it.
Differs from APO-zero: the chosen side goes down.
"""

from guerdon.losses.comparisons.anchored_down import AnchoredDown
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), AnchoredDown())),), AdamW(learning_rate=2e-7))

target = Target(
    "sigmoid(0.1 log-ratio(chosen)) - sigmoid(0.1 (log-ratio(chosen) - log-ratio(rejected)))",
    lambda d: ((0.1 * d.chosen.ratio).sigmoid() - (0.1 * (d.chosen.ratio - d.rejected.ratio)).sigmoid()).mean(),
    Pairs(),
)
