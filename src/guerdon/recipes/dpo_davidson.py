"""DPO-D: DPO on comparisons of which some are ties (column ``tie``), by Davidson's model.

Source: Chen et al. 2024, arXiv 2409.17431; ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: a tied pair (whichever side is called chosen) pulls the two answers' rewards together instead of being left out.
"""

from guerdon.losses.comparisons.davidson import Davidson
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Davidson())),), AdamW(learning_rate=1e-6))
