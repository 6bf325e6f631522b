"""DPO-RK: DPO on comparisons of which some are ties (column ``tie``), by Rao and Kupper's model.

Source: Chen et al. 2024, arXiv 2409.17431; ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO-D: a preferred answer has to lead by log nu, and between two that do not a tie is likely.
"""

from guerdon.losses.comparisons.rao_kupper import RaoKupper
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), RaoKupper())),), AdamW(learning_rate=1e-6))
