"""WPO: DPO in which a pair counts as much as the policy itself is likely to write it, so that old data stand for its own samples.

Source: WPO, arXiv 2406.11827, with the sampled alignment (TRL's ``use_weighting``). The authors' code bounds the weight by 1 (``at_most``), and their
configurations have a ``beta`` of 0.01; 0.1 and the learning rate are DPO's.
Differs from DPO: the weight, through which no gradient goes; as the policy moves, other pairs begin to count.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.weights.sampled_alignment import SampledAlignment
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic(), weight=SampledAlignment())),), AdamW(learning_rate=1e-6))
