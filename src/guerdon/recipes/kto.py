"""KTO: verdicts on single answers, weighed as people weigh prospects: from a reference point, and less and less the further from it.

Source: KTO, arXiv 2402.01306, ``beta`` 0.1, both weights 1, learning rate 1e-6: TRL's. The data are rows of {prompt, completion, label}.
Differs from DPO: no pairs. A step needs answers to several prompts, since the reference point is what the policy makes of answers to others.
"""

from guerdon.losses.pointwise import Pointwise
from guerdon.losses.reference_points.mismatched_kl import MismatchedKL
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.verdicts.prospect import Prospect
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pointwise(LogRatio(beta=0.1), Prospect(), MismatchedKL())),), AdamW(learning_rate=1e-6))
