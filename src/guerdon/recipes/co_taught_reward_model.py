"""Co-taught reward model: two rewards, each of which learns from the pairs that the other finds easy, so that pairs with wrong labels are left out (collaborative reward modeling).

    model: {part: headed, body: ..., head: {part: ensemble, members: 2}}

``keep`` falls from all pairs to 0.7 of them, as co-teaching has it; put 1 less the share of labels that you think are wrong in the place of that. The batch must be large enough
for a share of it to mean something. The learned score is the mean of the two.

Source: Zhang et al. 2025, arXiv 2505.10597, and Han et al. 2018, arXiv 1804.06872 (see the loss). There the two are models of their own; that they share a body is ours. Learning
rate: reward_model's.
Differs from ensemble_reward_model: members do not learn from every pair.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.several_heads.co_taught import CoTaught
from guerdon.targets import Target
from guerdon.targets.offline import Scored, Scores
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.training.schedules.linear import Linear

recipe = Recipe((Term(CoTaught(keep=Linear(1.0, end=0.7))),), AdamW(learning_rate=1e-5))


def _objective(d: Scores) -> Tensor:
    """Three heads in a ring, in the middle of the schedule: 0.85 of six pairs are five, all but the one that the next head finds hardest."""
    each = -logsigmoid(d.chosen["head_score"] - d.rejected["head_score"])
    own = []
    for head in range(3):
        hardest = int(each[:, (head + 1) % 3].argmax())
        own.append(each[torch.arange(6) != hardest, head].mean())
    return torch.stack(own).mean()


target = Target(
    "the mean over heads of - log sigmoid(r_k(chosen) - r_k(rejected)) over the pairs that the next head finds easiest",
    _objective,
    Scored(("head_score",)),
)
