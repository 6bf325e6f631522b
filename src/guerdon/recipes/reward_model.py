"""Reward model: a scalar head under which the preferred answer scores higher (Bradley-Terry).

Source: InstructGPT, arXiv 2203.02155, eq. 1. Its model is a body under a scalar head (``model: {part: headed, body: ..., head: scalar}``).
Learning rate 1e-5: TRL's example for full training (its default is 1e-4); InstructGPT has 9e-6 (appendix C.2).
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.targets import Target
from guerdon.targets.offline import Scored
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(Head(), Logistic())),), AdamW(learning_rate=1e-5))

target = Target("- log sigmoid(r(chosen) - r(rejected))", lambda d: -logsigmoid(d.chosen["score"] - d.rejected["score"]).mean(), Scored())
