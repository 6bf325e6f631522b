"""SimPO: what is compared is the mean log-probability, as decoding ranks, and the preferred answer is to lead by a margin; no reference.

Source: SimPO, arXiv 2405.14734. ``beta`` 2.5, a lead (its gamma) of 0.55 times that, and the learning rate 1e-6: its appendix B, for
Llama-3-Instruct, as TRL's index of papers cites it.
Differs from DPO: no reference model is run, so nothing but the learning rate holds the policy near where it started.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(MeanLogProbability(beta=2.5), Logistic(lead=1.375))),), AdamW(learning_rate=1e-6))

target = Target(
    "- log sigmoid(2.5 (log p(chosen) / length - log p(rejected) / length) - 1.375)",
    lambda d: -logsigmoid(2.5 * (d.chosen.mean - d.rejected.mean) - 1.375).mean(),
    Pairs(),
)
