"""The objectives, by name: the terms of recipes, or of parts where a recipe has another scale.

NCA's scale of 0.01 is its authors' (their configuration for UltraFeedback) and EXO's of 0.5 too (their script for HH). BCO has DPO's, and SimPO a scale
of 2 and a lead of 0.5, as TRL has; the recipes have their papers'. cDPO is
the smoothing of the logistic link, which the recipe's label model equals. BCO is its form for pairs, DPO + SFT the sum that iterative RPO minimises
(arXiv 2404.19733, weight 1). SFT, on the chosen answers alone, is the baseline that reads no rejected answer.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.noise_contrastive import NoiseContrastive
from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.comparisons.reverse_kl import ReverseKL
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.recipes import apo_zero, cpo, dpo, ipo, orpo, slic
from guerdon.training.recipe import Term

OBJECTIVES: dict[str, tuple[Term, ...]] = {
    "DPO": dpo.recipe.terms,
    "IPO": ipo.recipe.terms,
    "SLiC": slic.recipe.terms,
    "EXO": (Term(Pairwise(LogRatio(beta=0.5), ReverseKL())),),
    "NCA": (Term(Pairwise(LogRatio(beta=0.01), NoiseContrastive())),),
    "APO-zero": apo_zero.recipe.terms,
    "BCO": (Term(Pairwise(LogRatio(beta=0.1), PointwiseLogistic())),),
    "cDPO": (Term(Pairwise(LogRatio(beta=0.1), Logistic(label_smoothing=0.1))),),
    "DPO + SFT": (*dpo.recipe.terms, Term(OnSide(NegativeLogLikelihood()))),
    "SFT": (Term(OnSide(NegativeLogLikelihood())),),
    "CPO": cpo.recipe.terms,
    "ORPO": orpo.recipe.terms,
    "SimPO": (Term(Pairwise(MeanLogProbability(beta=2.0), Logistic(lead=0.5))),),
}
