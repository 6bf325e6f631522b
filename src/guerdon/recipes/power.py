"""POWER: answers are compared by the reward of the policy that seeks reward and weighted entropy, and what was preferred is made likely, as pessimism asks.

    loss = - log sigmoid(beta (w log p + w)(chosen) - beta (w log p + w)(rejected)) - eta beta w log p(chosen),   w = 1 / length

Source: POWER, Rashidinejad and Tian 2024, arXiv 2412.09544, of which the abstract and summaries were read. ``beta`` 2.0 and the learning rate are SimPO's, ``eta`` 0.1 is ours:
theirs were not to be had.
Differs from SimPO: the shorter of two answers with equal means is ahead, no lead is asked for, and the preferred answer itself is made likely. From RPO: no reference. Its dynamic
labels are ``losses.labels.drifting``, whose column somebody has to note anew at each step.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.scores.entropy_weighted import EntropyWeighted
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

BETA, ETA = 2.0, 0.1
anchor = Term(OnSide(NegativeLogLikelihood()), weight=ETA * BETA, reduce=SequenceMean())
recipe = Recipe((Term(Pairwise(EntropyWeighted(BETA), Logistic())), anchor), AdamW(learning_rate=1e-6))

target = Target(
    "- log sigmoid(2 ((log p(chosen) + 1) / length - (log p(rejected) + 1) / length)) - 0.1 * 2 log p(chosen) / length",
    lambda d: (
        -(
            logsigmoid(2.0 * ((d.chosen.total + 1) / d.chosen.length - (d.rejected.total + 1) / d.rejected.length))
            + 0.1 * 2.0 * d.chosen.total / d.chosen.length
        ).mean()
    ),
    Pairs(),
)
