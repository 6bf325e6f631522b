"""Outside option: none of the candidates may be good enough; a choice among them and an outside good of known utility.

    P(k) = exp(score_k) / (exp(outside) + sum over j of exp(score_j))        answers: candidate 0 .. K-1, none

``score`` [M], nats, is measured from the outside good: with the default 0, a score above 0 is "better than nothing", and scores have a zero that the answers tell. All M
are identified. ``outside`` minus infinity is Luce's choice, which is only of differences again. One candidate is a verdict: good enough or not.

Source: the multinomial logit with an outside good, McFadden 1974; for answers of a language model, arXiv 2510.04087.
Differs from PlackettLuce(top=1): one more answer, and scores that are absolute.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.exact.likelihoods._family import Choice
from guerdon.exact.likelihoods.bradley_terry import LN2, LN3
from guerdon.exact.likelihoods.plackett_luce import PlackettLuce
from guerdon.witness import Witness


@dataclass(frozen=True)
class OutsideOption(Choice):
    nobody: ClassVar[str] = "none"

    outside: float = 0.0  # the utility of "none of them": a convention

    @property
    def shift_free(self) -> bool:
        return self.outside == -math.inf

    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        return [*((k,) for k in range(size)), ()]

    def edges(self, size: int) -> list[list[tuple[int, int]]]:
        goods = range(size + (not self.shift_free))  # the last is the outside good
        return [[(winner, loser) for loser in goods if loser != winner] for winner in goods] + [[]] * self.shift_free

    def __call__(self, asked: Tensor, score: Tensor) -> Tensor:
        candidates = score[asked]
        outside = torch.full_like(candidates[..., :1], self.outside)
        return torch.cat([candidates, outside], -1).log_softmax(-1)


witness = (
    Witness(  # weights 2, 3 and 1
        OutsideOption(),
        parent=PlackettLuce(top=1),
        given={"asked": torch.tensor([[0, 1]]), "score": torch.tensor([LN2, LN3], dtype=torch.float64)},
        returns=torch.tensor([[1 / 3, 1 / 2, 1 / 6]], dtype=torch.float64).log(),
    ),
    Witness(  # a verdict on one: 3 against exp(ln 2)
        OutsideOption(outside=LN2),
        parent=OutsideOption(),
        given={"asked": torch.tensor([[1]]), "score": torch.tensor([LN2, LN3], dtype=torch.float64)},
        returns=torch.tensor([[3 / 5, 2 / 5]], dtype=torch.float64).log(),
    ),
)
