"""General preference model: a reward model for preferences that no reward explains, on a model with the head ``preference_vector``.

Source: arXiv 2410.02197. The learning rate is the reward model's.
Differs from reward_model: vectors in planes and not numbers on a line, so that A over B over C over A can be learned.
"""

from dataclasses import replace

from guerdon.losses.comparisons.skew_logistic import SkewLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.preference_vector import PreferenceVector
from guerdon.recipes.reward_model import recipe as reward_model
from guerdon.training.recipe import Term

recipe = replace(reward_model, terms=(Term(Pairwise(PreferenceVector(), SkewLogistic())),))
