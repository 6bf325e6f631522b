"""RPO: DPO, and SFT on the preferred answers as its anchor; that is, pessimism about rewards that the data do not bear out.

    loss = DPO - eta beta * log pi(chosen)        the whole answer's log-probability, not its mean

Source: RPO, arXiv 2405.16436, whose authors' code adds exactly this; ``beta`` 0.01, ``eta`` 0.005 and the learning rate 5e-7 are its
settings for Zephyr-7B. A mean over tokens in the second term is the authors' variant for reasoning; there the weight is larger, TRL's
``rpo_alpha`` 1.0 (iterative RPO, arXiv 2404.19733).
Differs from DPO: the preferred answers do not become less likely, and what was never seen to win does not become likely. From CPO: the
reference stays.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

BETA, ETA = 0.01, 0.005
anchor = Term(OnSide(NegativeLogLikelihood()), weight=ETA * BETA, reduce=ConstantLength(1))  # a sum over each answer, a mean over answers
recipe = Recipe((Term(Pairwise(LogRatio(BETA), Logistic())), anchor), AdamW(learning_rate=5e-7))

target = Target(
    "DPO at 0.01 - 0.005 * 0.01 log p(chosen)",
    lambda d: -(logsigmoid(0.01 * (d.chosen.ratio - d.rejected.ratio)) + 0.005 * 0.01 * d.chosen.total).mean(),
    Pairs(),
)
