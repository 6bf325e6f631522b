"""Mixture entropy: no head takes all.

    penalty = sum_k w_k log w_k,    w = exp(mixture_logp)        [B], nats: minus the entropy of the weights of a sequence, not of a step

Of a pair both sides have the same weights, so one is asked: ``OnSide(MixtureEntropy())``.

Source: MiCRo, Shen et al. 2025, arXiv 2505.24846, eq. 3, where it is meant as an even prior; its weight beside the likelihood is 0.5 there (eq. 4).
Differs from Entropy: of the weights of heads, not of the next step.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.penalties.entropy import Entropy
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class MixtureEntropy:
    per_item: ClassVar[bool] = True  # one number for a sequence

    def __call__(self, mixture_logp: B) -> B:
        return (mixture_logp.exp() * mixture_logp).sum(-1)


LN2 = 0.6931471805599453
witness = Witness(  # weights 1/2, 1/4, 1/4
    MixtureEntropy(),
    parent=Entropy(),
    given={"mixture_logp": [[-LN2, -2 * LN2, -2 * LN2]]},
    returns=[-1.5 * LN2],
    gradient={"mixture_logp": [[0.5 * (1 - LN2), 0.25 * (1 - 2 * LN2), 0.25 * (1 - 2 * LN2)]]},
)
