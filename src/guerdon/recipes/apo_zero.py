"""APO-zero: chosen answers are made likelier than the reference has them, rejected ones less likely.

Source: APO, arXiv 2408.06266, eq. 7 (TRL's ``loss_type="apo_zero"``), for chosen answers that are better than what the model would write. ``beta``
0.1 and the learning rate 2e-7: its section 5.2, as TRL's index of papers cites it.
Differs from DPO: says of each side which way it is to go.
"""

from guerdon.losses.comparisons.anchored_zero import AnchoredZero
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), AnchoredZero())),), AdamW(learning_rate=2e-7))

target = Target(
    "sigmoid(0.1 log-ratio(rejected)) - sigmoid(0.1 log-ratio(chosen))",
    lambda d: ((0.1 * d.rejected.ratio).sigmoid() - (0.1 * d.chosen.ratio).sigmoid()).mean(),
    Pairs(),
)
