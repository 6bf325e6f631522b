"""Plackett-Luce: the best is chosen first, with probability proportional to exp(score), then the best of the rest, and so on.

    P(o_1 above o_2 above ...) = product over t of exp(score of o_t) / sum over what is left at t of exp(score)        answers: rankings of the best ``top``

With ``top`` 1 it is Luce's choice, the multinomial logit; without, whole rankings, in the order of ``itertools.permutations``. ``score`` [M], nats. Only differences
count, as in BradleyTerry. Rankings are enumerated: up to 5,040 of them (whole rankings of 7).

Source: Luce 1959, Individual choice behavior; Plackett 1975, The analysis of permutations. As the model of K-wise feedback: arXiv 2301.11270.
Differs from BradleyTerry: any number of candidates; with two it is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.likelihoods._family import Choice, orders
from guerdon.exact.likelihoods.bradley_terry import LN2, LN3, BradleyTerry
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class PlackettLuce(Choice):
    top: int | None = None  # how many are named; None: all

    def __post_init__(self) -> None:
        if self.top is not None and self.top < 1:
            raise InputError(f"top is {self.top}: a ranking names at least one candidate")

    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        top = self._named(size)
        orders(size, top)
        return list(permutations(range(size), top))

    def __call__(self, asked: Tensor, score: Tensor) -> Tensor:
        return self._ranked(score[asked][:, self._orders(asked.shape[-1])])

    def each(self, given: Mapping[str, Any], answer: Tensor) -> Tensor:
        """Without the other rankings, of which there may be thousands."""
        asked = given["asked"]
        return self._ranked(given["score"][asked.gather(-1, self._orders(asked.shape[-1])[answer])])

    def _orders(self, size: int) -> Tensor:
        """[O, K], the candidates as they are ranked; whoever was not named at the end."""
        return torch.tensor([[*best, *(p for p in range(size) if p not in best)] for best in self.outcomes(size)])

    def _ranked(self, score: Tensor) -> Tensor:
        """[...], the log-probability of a ranking with the scores [..., K], the best first."""
        size = score.shape[-1]
        stages = range(min(self._named(size), size - 1))  # the last is no choice
        return torch.stack([score[..., t] - score[..., t:].logsumexp(-1) for t in stages]).sum(0)

    def _named(self, size: int) -> int:
        """How many are named of so many, where all but the last is all."""
        if size < 2:
            raise InputError(f"a ranking needs at least two candidates, and these questions show {size}")
        return size if self.top is None else min(self.top, size)


_three = {"asked": torch.tensor([[0, 1, 2]]), "score": torch.tensor([LN3, LN2, 0.0], dtype=torch.float64)}
witness = (
    Witness(  # weights 3, 2, 1: 3/6 2/3, 3/6 1/3, 2/6 3/4, 2/6 1/4, 1/6 3/5, 1/6 2/5
        PlackettLuce(),
        parent=PlackettLuce(top=1),
        given=_three,
        returns=torch.tensor([[1 / 3, 1 / 6, 1 / 4, 1 / 12, 1 / 10, 1 / 15]], dtype=torch.float64).log(),
    ),
    Witness(
        PlackettLuce(top=1),
        parent=BradleyTerry(),
        given=_three,
        returns=torch.tensor([[1 / 2, 1 / 3, 1 / 6]], dtype=torch.float64).log(),
    ),
)


def _in_pairs(given: dict) -> dict:
    return given | {"asked": torch.tensor([[0, 1], [2, 4], [5, 1]])}


limits = (
    Limit(PlackettLuce(), equals=BradleyTerry(), when="there are two candidates", under=_in_pairs),
    Limit(PlackettLuce(top=1), equals=BradleyTerry(), when="there are two candidates", under=_in_pairs),
)
