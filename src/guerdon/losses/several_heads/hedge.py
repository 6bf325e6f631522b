"""Hedge: the weights of heads that are known follow those heads that would have predicted the verdict.

    target_k = w_k exp(-link_k / temperature) / sum_j w_j exp(-link_j / temperature),    w = exp(mixture_logp)
    loss     = -sum_k target_k mixture_logp_k                                               [N], nats

The target is a constant: it is the step of multiplicative weights from where the router is, towards which the router is then trained. Heads
get no gradient. ``link`` is the loss of the pair under each head.

Source: MiCRo, Shen et al. 2025, arXiv 2505.24846, eq. 5 and algorithm 1, after the Hedge algorithm (Arora, Hazan and Kale 2012).
``temperature`` 0.001 as in its appendix B.1 (0.0001 on one data set), which all but picks the best head of each pair. There the targets are
computed once in an epoch, here at every step.
Differs from Mixture: only the weights learn; at a temperature of 1 their gradient is the same.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, Logistic
from guerdon.losses.several_heads._each import needed, under_each, wanted
from guerdon.losses.several_heads.mixture import LN2, Mixture
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class Hedge:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step

    link: Comparison = Logistic()
    temperature: float = 0.001

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise InputError(f"temperature is {self.temperature}: it is a number above 0")

    def needs(self) -> frozenset[str]:
        return needed(self.link) | {"chosen_mixture_logp"}

    def wants(self) -> frozenset[str]:
        return wanted(self.link)

    def __call__(self, **quantities: Tensor) -> N:
        weight, loss = quantities["chosen_mixture_logp"], under_each(self.link, quantities)
        target = (weight - loss / self.temperature).detach().softmax(-1)
        return -(target * weight).sum(-1)


_given = {"chosen_head_score": [[LN3, 0.0]], "rejected_head_score": [[0.0, LN3]], "chosen_mixture_logp": [[-LN2, -LN2]]}
witness = (
    Witness(  # likelihoods of 3/4 and 1/4, squared: 9 to 1
        Hedge(temperature=0.5),
        parent=Mixture(),
        given=_given,
        returns=[LN2],
        gradient={"chosen_mixture_logp": [[-0.9, -0.1]], "chosen_head_score": None, "rejected_head_score": None},
    ),
    Witness(  # the better head alone
        Hedge(),
        parent=Hedge(temperature=0.5),
        given=_given | {"chosen_mixture_logp": [[-2 * LN2, -LN2]]},
        returns=[2 * LN2],
        gradient={"chosen_mixture_logp": [[-1.0, 0.0]]},
    ),
)
