"""f-DPO: DPO where the policy is held to the reference by another divergence, here Jensen and Shannon's.

Source: f-DPO, arXiv 2309.16240 (TRL's ``f_divergence_type="js_divergence"``). Its others are ``score: alpha_divergence``, of which alpha 0 is the forward KL and 1 is
DPO. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the reward of an answer is bounded above, so that no answer is worth making arbitrarily likely.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.jensen_shannon import JensenShannon
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(JensenShannon(beta=0.1), Logistic())),), AdamW(learning_rate=1e-6))
