"""Ensemble reward model: several rewards on one body, each fitted to the same comparisons by itself (Bradley-Terry).

    model: {part: headed, body: ..., head: {part: ensemble, members: 5, pessimism: 1.0}}

Source: Coste et al. 2023, arXiv 2310.02743, where members are models of their own; that they share a body is ours. Learning rate: reward_model's.
Differs from reward_model: several rewards, whose deviation can be taken off when an answer is scored.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.several_heads.expected import Expected
from guerdon.targets import Target
from guerdon.targets.offline import Scored
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Expected()),), AdamW(learning_rate=1e-5))

target = Target(
    "the mean over members e of - log sigmoid(r_e(chosen) - r_e(rejected))",
    lambda d: -logsigmoid(d.chosen["head_score"] - d.rejected["head_score"]).mean(),
    Scored(("head_score",)),
)
