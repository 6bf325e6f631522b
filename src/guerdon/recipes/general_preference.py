"""General preference model: a reward model for preferences that no reward explains, on a model with the head ``preference_vector``.

Source: arXiv 2410.02197. The learning rate is the reward model's.
Differs from reward_model: vectors in planes and not numbers on a line, so that A over B over C over A can be learned.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.skew_logistic import SkewLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.preference_vector import PreferenceVector
from guerdon.recipes.reward_model import recipe as reward_model
from guerdon.targets import Target
from guerdon.targets.offline import Scored, Scores
from guerdon.training.recipe import Term

recipe = replace(reward_model, terms=(Term(Pairwise(PreferenceVector(), SkewLogistic())),))


def _objective(d: Scores) -> Tensor:
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    lead = torch.einsum("ni,ij,nj->n", d.chosen["preference_vector"], torch.block_diag(turn, turn), d.rejected["preference_vector"])
    return -logsigmoid(lead).mean()


target = Target("- log sigmoid(v(chosen) R v(rejected)),   R of blocks (0, -1; 1, 0)", _objective, Scored(("preference_vector",)))
