"""REDI: right traces up, wrong traces down, each by its mean log-probability; wrong ones by less, and no reference.

Source: REDI, arXiv 2505.24850, eq. 5: ``- log p(chosen) / length + alpha log p(rejected) / length`` with alpha = 0.8 and a learning rate of 1e-6 (section 4.3,
table 2; so its authors' configuration). It starts from a model that was fitted to the right traces.
Differs from SimPO: no sigmoid, of which it is the limit as beta goes to 0, and the two sides do not weigh the same: with alpha = 1 the loss has no minimum on
the way down, with alpha = 0 it is SFT on the chosen answers.
"""

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    (
        Term(OnSide(NegativeLogLikelihood()), reduce=SequenceMean()),
        Term(OnSide(NegativeLogLikelihood(), side="rejected"), weight=-0.8, reduce=SequenceMean()),
    ),
    AdamW(learning_rate=1e-6),
)

target = Target("- log p(right) / length + 0.8 log p(wrong) / length", lambda d: (0.8 * d.rejected.mean - d.chosen.mean).mean(), Pairs())
