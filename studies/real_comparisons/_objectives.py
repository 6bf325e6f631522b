"""The objectives, by name: the terms of recipes where there is one, else parts.

Scales are the recipes', or those that authors use on comparisons: NCA 0.01 (its authors' configuration for UltraFeedback), EXO 0.5 (its authors' script
for HH); APO and BCO 0.1, the default of TRL. SFT, on the chosen answers alone, is the baseline that reads no rejected answer.
"""

from guerdon.losses.comparisons.anchored_zero import AnchoredZero
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.noise_contrastive import NoiseContrastive
from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.comparisons.reverse_kl import ReverseKL
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.recipes import cpo, dpo, ipo, orpo, simpo, slic
from guerdon.training.recipe import Term

OBJECTIVES: dict[str, tuple[Term, ...]] = {
    "DPO": dpo.recipe.terms,
    "IPO": ipo.recipe.terms,
    "SLiC": slic.recipe.terms,
    "EXO": (Term(Pairwise(LogRatio(beta=0.5), ReverseKL())),),
    "NCA": (Term(Pairwise(LogRatio(beta=0.01), NoiseContrastive())),),
    "APO-zero": (Term(Pairwise(LogRatio(beta=0.1), AnchoredZero())),),
    "BCO": (Term(Pairwise(LogRatio(beta=0.1), PointwiseLogistic())),),
    "cDPO": (Term(Pairwise(LogRatio(beta=0.1), Logistic(label_smoothing=0.1))),),
    "DPO + SFT": (*dpo.recipe.terms, Term(OnSide(NegativeLogLikelihood()))),
    "SFT": (Term(OnSide(NegativeLogLikelihood())),),
    "CPO": cpo.recipe.terms,
    "ORPO": orpo.recipe.terms,
    "SimPO": simpo.recipe.terms,
}
