"""Objectives: name → the terms that are minimised, from the recipe where there is one. A further objective is a further line.

``terms(strength, rate)``: the strength is what the objective's own ``beta`` says, and what is varied; the rate is the share of labels that are known to be wrong.
``default`` is the strength where it means something else than the weight of the KL against the reward; None where it means that. ``reward``: what is fitted is a reward
model, of which the policy is the KL-regularised optimum.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.noise_contrastive import NoiseContrastive
from guerdon.losses.comparisons.pointwise_square import PointwiseSquare
from guerdon.losses.comparisons.reverse_kl import ReverseKL
from guerdon.losses.comparisons.square import Square
from guerdon.losses.labels import Label
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.labels.soft import Soft
from guerdon.losses.labels.unbiased import Unbiased
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores import Score
from guerdon.losses.scores.alpha_divergence import AlphaDivergence
from guerdon.losses.scores.alpha_likelihood import AlphaLikelihood
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.losses.scores.mean_log_ratio import MeanLogRatio
from guerdon.losses.weights.sampled_alignment import SampledAlignment
from guerdon.parts import Part
from guerdon.recipes import (
    aot,
    aot_unpaired,
    apo_down,
    apo_zero,
    apo_zero_unpaired,
    asft,
    bco,
    bco_pair,
    cdpo,
    constrained_preference_optimization,
    cpo,
    discopop,
    dpo,
    exo,
    f_dpo,
    ipo,
    kto,
    ld_dpo,
    length_normalised_dpo,
    mpo,
    nca,
    orpo,
    redi,
    reward_model,
    robust_dpo,
    rpo,
    sft,
    slic,
    sppo_hard,
    tdpo,
    wpo,
)
from guerdon.training.recipe import Recipe, Term

Terms = tuple[Term, ...]


@dataclass(frozen=True)
class Objective:
    terms: Callable[[float, float], Terms]
    default: float | None = None
    reward: bool = False


def of(recipe: Recipe, default: float | None = None, reward: bool = False) -> Objective:
    """The recipe's terms, with the strength for each ``beta`` in them."""
    return Objective(lambda beta, rate: with_beta(recipe.terms, beta), default, reward)


def pairs(link: Part, score: Score = LogRatio(), default: float | None = None, **more: Any) -> Objective:
    """A comparison by a link, on the log-ratio or on another score."""
    return Objective(lambda beta, rate: with_beta((Term(Pairwise(score, link, **more)),), beta), default)


def told(recipe: Recipe, label: Callable[[float], Label]) -> Objective:
    """The recipe of one comparison with a label model that is told the true rate of wrong labels."""

    def terms(beta: float, rate: float) -> Terms:
        (term,) = with_beta(recipe.terms, beta)
        return (replace(term, loss=replace(term.loss, label=label(rate))),)

    return Objective(terms)


def with_beta(thing: Any, beta: float) -> Any:
    """A tree of parts in which every field of the name has this value."""
    if isinstance(thing, tuple):
        return tuple(with_beta(each, beta) for each in thing)
    if not dataclasses.is_dataclass(thing):
        return thing
    fields = {f.name: beta if f.name == "beta" else with_beta(getattr(thing, f.name), beta) for f in dataclasses.fields(thing)}
    return replace(thing, **fields)


def second(recipe: Recipe, default: float) -> Objective:
    """A recipe of two terms, with the strength for the weight of the second; its sign stays."""

    def terms(weight: float, rate: float) -> Terms:
        first, other = recipe.terms
        return (first, replace(other, weight=weight if other.weight > 0 else -weight))

    return Objective(terms, default)


def _rpo(beta: float, rate: float) -> Terms:
    return (*with_beta(dpo.recipe.terms, beta), replace(rpo.anchor, weight=rpo.ETA * beta))


def _floored(beta: float, rate: float) -> Terms:
    (term,) = constrained_preference_optimization.recipe.terms
    return (replace(term, loss=replace(term.loss, link=replace(term.loss.link, beta=beta))),)


on_chosen = tuple(replace(term, loss=OnSide(term.loss)) for term in sft.recipe.terms)
slic_hf = Pairwise(LogProbability(), Hinge())

OBJECTIVES: dict[str, Objective] = {
    "nothing (the reference)": Objective(lambda beta, rate: ()),
    # the log-ratio, compared by a logistic link
    "DPO": of(dpo.recipe),
    "RLHF in two stages": of(reward_model.recipe, reward=True),
    "DPO (soft labels)": pairs(Logistic(), label=Soft()),
    "cDPO (rate 0.1)": of(cdpo.recipe),
    "cDPO (told the rate)": told(dpo.recipe, Noisy),
    "robust DPO (rate 0.1)": of(robust_dpo.recipe),
    "robust DPO (told the rate)": told(dpo.recipe, Unbiased),
    "WPO": of(wpo.recipe),
    "RPO": Objective(_rpo),
    "DPO + SFT": Objective(lambda beta, rate: with_beta(dpo.recipe.terms, beta) + on_chosen),
    "MPO": of(mpo.recipe),
    # ... by other links
    "IPO": of(ipo.recipe),
    "IPO (soft labels)": pairs(Square(), label=Soft()),
    "IPO × unbiased (told the rate)": told(ipo.recipe, Unbiased),
    "IPO × WPO's weight": pairs(Square(), weight=SampledAlignment()),
    "SLiC": of(slic.recipe),
    "SLiC × unbiased (told the rate)": told(slic.recipe, Unbiased),
    "EXO": of(exo.recipe),
    "EXO (soft labels)": pairs(ReverseKL(), label=Soft()),
    "DiscoPOP": of(discopop.recipe),
    "AOT": of(aot.recipe),
    "AOT (unpaired)": of(aot_unpaired.recipe),
    # ... side by side
    "NCA": of(nca.recipe),
    "NCA (soft labels)": pairs(NoiseContrastive(), label=Soft()),
    "BCO on pairs": of(bco_pair.recipe),
    "SPPO (hard labels)": of(sppo_hard.recipe),
    "SPPO (soft labels)": pairs(PointwiseSquare(target=None)),
    "APO zero": of(apo_zero.recipe),
    "APO down": of(apo_down.recipe),
    # ... one by one, as verdicts
    "KTO": of(kto.recipe),
    "BCO": of(bco.recipe),
    "APO zero (unpaired)": of(apo_zero_unpaired.recipe),
    # other scores
    "DPO (forward KL)": pairs(Logistic(), AlphaDivergence(alpha=1.0)),
    "DPO (alpha divergence 1/2)": pairs(Logistic(), AlphaDivergence(alpha=0.5)),
    "DPO (Jensen-Shannon)": of(f_dpo.recipe),
    "TDPO": of(tdpo.recipe),
    "LD-DPO": of(ld_dpo.recipe),
    "DPO (mean over tokens)": of(length_normalised_dpo.recipe, default=5.0),
    "IPO (mean over tokens)": pairs(Square(), MeanLogRatio(), default=0.1),
    "constrained (floor 0.5)": Objective(_floored, default=2.5),
    # without a reference
    "SimPO": pairs(Logistic(lead=0.5), MeanLogProbability(), default=2.0),
    "AlphaPO": pairs(Logistic(lead=0.5), AlphaLikelihood(), default=2.0),
    "ORPO": second(orpo.recipe, default=0.1),
    "ASFT": second(asft.recipe, default=1.0),
    "REDI": second(redi.recipe, default=0.8),
    "CPO": of(cpo.recipe, default=0.1),
    "SLiC-HF": Objective(lambda beta, rate: with_beta((Term(slic_hf),), beta) + on_chosen, default=1.0),
    "SFT on the chosen": Objective(lambda beta, rate: on_chosen),
    # with what labels do not say: the reward of each side
    "CoPG (rewards known)": pairs(Square(target=None)),
}
