"""Clustered reward model: a reward for each group of people, who are sorted into groups by what they have preferred.

Source: the reward mixture of MaxMin-RLHF, Chakraborty et al. 2024, arXiv 2402.08925. Its model has a head of ``clustered_users`` and rows a
column ``user``; batches should hold several pairs of a user. Learning rate: that of ``reward_model``, for whole bodies; heads on frozen
embeddings take 0.01 to 0.1.
Differs from reward_model: who judged is known, and counts.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.several_heads.clusters import Clusters
from guerdon.targets import Target
from guerdon.targets.offline import Scored, Scores
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Clusters()),), AdamW(learning_rate=1e-5))


def _objective(d: Scores) -> Tensor:
    each = -logsigmoid(d.chosen["head_score"] - d.rejected["head_score"])
    said = [each[d.user == user] for user in range(3)]
    return torch.cat([own[:, own.detach().sum(0).argmin()] for own in said]).mean()


target = Target(
    "- log sigmoid(r_k(chosen) - r_k(rejected)), k the reward that explains all that its user said best",
    _objective,
    Scored(("head_score",), user=True),
)
