"""NCA: each answer is told from noise, so that the probability of the chosen one does not fall while the difference grows.

Source: NCA, arXiv 2402.05369, for pairs (TRL's ``loss_type="nca_pair"``). ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: sizes count, not the difference alone.
"""

from guerdon.losses.comparisons.noise_contrastive import NoiseContrastive
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), NoiseContrastive())),), AdamW(learning_rate=1e-6))
