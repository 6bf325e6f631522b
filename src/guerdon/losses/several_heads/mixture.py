"""Mixture: whoever compared was one of K kinds of people, and is not known.

    loss = -log sum_k exp(mixture_logp_k - link(chosen_head_score_k, rejected_head_score_k))        [N], nats

where the link is a negative log-likelihood. ``mixture_logp`` are log-weights of the heads, given what the pair answers: both sides have the
same.

A single head that is fitted to verdicts of different people is wrong however many there are, since a mixture of logistic curves is none.
With these, heads can be told apart without anybody saying who judged.

Source: MiCRo, Shen et al. 2025, arXiv 2505.24846, eq. 1 and 2, there with the logistic link.
Differs from Pairwise: a likelihood for each head; their mean is taken and not that of their losses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.several_heads._each import needed, under_each, wanted
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Mixture:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step

    link: Comparison = Logistic()

    def needs(self) -> frozenset[str]:
        return needed(self.link) | {"chosen_mixture_logp"}

    def wants(self) -> frozenset[str]:
        return wanted(self.link)

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, N]:
        """The log-probability that each side is preferred."""
        weight = quantities["chosen_mixture_logp"]
        return {
            f"{side}_score": (weight - under_each(self.link, quantities, turned)).logsumexp(-1)
            for side, turned in (("chosen", False), ("rejected", True))
        }

    def __call__(self, **quantities: Tensor) -> N:
        return -(quantities["chosen_mixture_logp"] - under_each(self.link, quantities)).logsumexp(-1)


LN2 = 0.6931471805599453
witness = Witness(  # likelihoods of 3/4 and 1/4, each of half the people: 1/2; the first head did it with a probability of 3/4
    Mixture(),
    parent=Pairwise(Head(), Logistic()),
    given={"chosen_head_score": [[LN3, 0.0]], "rejected_head_score": [[0.0, LN3]], "chosen_mixture_logp": [[-LN2, -LN2]]},
    returns=[LN2],
    gradient={
        "chosen_head_score": [[-3 / 16, -3 / 16]],
        "rejected_head_score": [[3 / 16, 3 / 16]],
        "chosen_mixture_logp": [[-3 / 4, -1 / 4]],
    },
)


def _one(inputs: dict) -> dict:
    """One head, which is the score."""
    own = {f"{side}_head_score": inputs[f"{side}_score"].unsqueeze(-1) for side in ("chosen", "rejected")}
    return inputs | own | {"chosen_mixture_logp": torch.zeros_like(own["chosen_head_score"])}


limits = (Limit(Mixture(), equals=Pairwise(Head(), Logistic()), when="there is one head", under=_one),)
