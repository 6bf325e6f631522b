"""TR-DPO: DPO whose reference follows the policy, so that what it has learned is no longer counted as a departure.

Source: TR-DPO, arXiv 2404.09656, the soft update: every 512 steps the reference becomes 0.6 of the policy and 0.4 of itself, as in TRL (``sync_ref_model``,
``ref_model_mixup_alpha``, ``ref_model_sync_steps``). The hard update is ``reset_reference``. ``beta`` 0.05 and the learning rate 1e-6: its
tables 1 and 2, as TRL's index of papers cites it.
Differs from DPO: the reference moves. It is a model of its own, so adapters cannot be switched off to have it.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.training.updates.moving_average import MovingAverage

recipe = Recipe(
    (Term(Pairwise(LogRatio(beta=0.05), Logistic())),),
    AdamW(learning_rate=1e-6),
    updates=(MovingAverage(into="ref", decay=0.4, every=512),),
)

target = Target(
    "- log sigmoid(0.05 (log-ratio(chosen) - log-ratio(rejected))), to the reference as it now is",
    lambda d: -logsigmoid(0.05 * (d.chosen.ratio - d.rejected.ratio)).mean(),
    Pairs(),
)
