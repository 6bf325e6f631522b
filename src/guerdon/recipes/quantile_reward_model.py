"""Quantile reward model: how ratings of an answer lie, from rows with a rating.

    model: {part: headed, body: ..., head: quantiles}        rows {prompt, completion, rating}; another column: recipe.terms.0.loss={part: pinball, by: helpfulness}

Source: QRM, Dorka 2024, arXiv 2409.10164, which fits the quantiles of each attribute on the hidden states of a frozen body. Learning rate: reward_model's, for whole bodies.
Differs from reward_model: ratings in the place of comparisons, and their distribution in the place of a number.
"""

import torch

from guerdon.losses.quantiles.pinball import Pinball
from guerdon.targets import Target
from guerdon.targets.offline import Rated, Ratings
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pinball()),), AdamW(learning_rate=1e-5))


def _objective(d: Ratings) -> torch.Tensor:
    said, rating = d.said["quantile_score"], d.rating[:, 0]
    each = [(0.25 * (i + 1) - (rating < said[:, i]).double()) * (rating - said[:, i]) for i in range(3)]
    return torch.stack(each).mean()


target = Target(
    "the mean over three quantiles of (tau - [rating < q]) (rating - q), tau = 1/4, 1/2, 3/4", _objective, Rated(("quantile_score",))
)
