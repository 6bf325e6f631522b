"""Attribute reward model: several qualities of an answer, from rows with a rating of some of them.

    model: {part: headed, body: ..., head: {part: attributes, count: 5}}        rows {prompt, completion, helpfulness, correctness, coherence, complexity, verbosity}

Other columns: ``recipe.terms.0.loss={part: attribute_square, names: [honesty, truthfulness]}``. With the head ``gated_attributes`` the gate is then fitted to comparisons
by ``reward_model``.

Source: the first stage of ArmoRM, Wang et al. 2024, arXiv 2406.12845 (see the loss); the columns are HelpSteer's. Learning rate: reward_model's, for whole bodies; heads on
frozen embeddings take 0.01 to 0.1.
Differs from quantile_reward_model: the mean of several ratings, in the place of the distribution of one.
"""

import torch
from torch import Tensor

from guerdon.losses.attributes.attribute_square import AttributeSquare
from guerdon.targets import Target
from guerdon.targets.offline import Rated, Ratings
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(AttributeSquare()),), AdamW(learning_rate=1e-5))


def _objective(d: Ratings) -> Tensor:
    each = []
    for said, rating in zip(d.said["attribute_score"], d.rating, strict=True):
        known = [(x - y) ** 2 for x, y in zip(said, rating, strict=True) if y == y]
        each.append(sum(known) / len(known))
    return torch.stack(each).mean()


target = Target(
    "the mean over answers, and over those of their five ratings that there are, of (score - rating)^2",
    _objective,
    Rated(("attribute_score",), AttributeSquare().names, lacking=True),
)
