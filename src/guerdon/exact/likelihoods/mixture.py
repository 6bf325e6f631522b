"""Mixture: people belong to groups that answer each by a likelihood of its own, and nobody says who belongs where.

    P(answers of a person) = sum over g of w_g product over the person's questions of P_g(answer),    w = softmax(share)
    ``share`` [G], and each parameter of ``of`` with G in front

Called on questions it gives the probability of each answer by itself, which tells less: a single answer of each person identifies no more than the mean of the groups. What a
person answered together is in ``answered``, and whatever they could in ``every_answer``, by ``user`` [Q] (not given: every question is asked of another person).
Groups have no names: ``gauge`` orders them by their share, the largest first, lets the logits of the shares sum to 0, and fixes each group as ``of`` does. Whether
groups can be told at all depends on what each person was asked: of one whole ranking each, k groups need at least 2 k items.

Source: Gormley and Murphy 2008; identifiability, Zhao, Piech and Xia 2016, arXiv 1603.07323, theorem 1. In reward modelling: MaxMin-RLHF, arXiv 2402.08925.
Differs from ``of``: answers of one person depend on one another. With one group it is ``of``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.likelihoods import Likelihood
from guerdon.exact.likelihoods._family import Family, Parameters
from guerdon.exact.likelihoods.bradley_terry import LN3, BradleyTerry
from guerdon.parts import call, needs, wants
from guerdon.witness import Witness


@dataclass(frozen=True)
class Mixture(Family):
    unimodal: ClassVar[bool] = False
    joint: ClassVar[bool] = True

    groups: int
    of: Likelihood = BradleyTerry()

    def __post_init__(self) -> None:
        if self.groups < 1:
            raise InputError(f"groups is {self.groups}: people belong to at least one")

    def needs(self) -> frozenset[str]:
        return needs(self.of) | {"asked", "share"}

    def wants(self) -> frozenset[str]:
        return wants(self.of) | ({"user"} - needs(self.of))

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        own = self.of.parameters(items, users, features)
        return {"share": (self.groups,)} | {name: (self.groups, *shape) for name, shape in own.items()}

    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        return self.of.outcomes(size)

    def start(self, shapes: Mapping[str, tuple[int, ...]], seed: int) -> Parameters:
        """Groups of equal size, each at random: alike they would stay alike."""
        return super().start(shapes, seed) | {"share": torch.zeros(shapes["share"], dtype=torch.float64)}

    def gauge(self, parameters: Parameters, features: Tensor | None = None) -> Parameters:
        order = parameters["share"].argsort(descending=True, stable=True)
        groups = [{n: v[g] for n, v in parameters.items() if n != "share"} for g in order]
        groups = [self.of.gauge(group, features) for group in groups]
        share = parameters["share"][order]
        return {"share": share - share.mean()} | {name: torch.stack([group[name] for group in groups]) for name in groups[0]}

    def __call__(self, share: Tensor, **rest: Any) -> Tensor:
        return (share.log_softmax(-1).view(-1, 1, 1) + self.of_group(rest)).logsumexp(0)

    def of_group(self, given: Mapping[str, Any]) -> Tensor:
        """[G, Q, O], the log-probability of every answer in every group."""
        return torch.stack([call(self.of, group) for group in self._groups(given)])

    def each(self, given: Mapping[str, Any], answer: Tensor) -> Tensor:
        return (given["share"].log_softmax(-1).unsqueeze(-1) + self._each_of_group(given, answer)).logsumexp(0)

    def _each_of_group(self, given: Mapping[str, Any], answer: Tensor) -> Tensor:
        """[G, Q]"""
        return torch.stack([self.of.each(group, answer) for group in self._groups(given)])

    def _groups(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What ``of`` is called with in each group."""
        own = self.of.names()
        return [{n: v[g] if n in own else v for n, v in given.items() if n != "share"} for g in range(self.groups)]

    def answered(self, given: Mapping[str, Any], answer: Tensor, count: Tensor) -> Tensor:
        """[U], by person."""
        each = count * self._each_of_group(given, answer)
        user = given.get("user")
        if user is not None:
            each = each.new_zeros(self.groups, int(user.max()) + 1).index_add(1, user, each)
        return (given["share"].log_softmax(-1).unsqueeze(-1) + each).logsumexp(0)

    def every_answer(self, given: Mapping[str, Any]) -> Tensor:
        """[U, O^n] for people who are asked n questions each; the last question's answer changes fastest."""
        own = self.of_group(given)
        user = given.get("user")
        rows = torch.arange(own.shape[1]).unsqueeze(-1) if user is None else _sheets(user)
        each = [own[:, question] for question in rows.T]  # [G, U, O]
        whole = reduce(lambda a, b: (a.unsqueeze(-1) + b.unsqueeze(-2)).flatten(-2), each)
        return (given["share"].log_softmax(-1).view(-1, 1, 1) + whole).logsumexp(0)


def _sheets(user: Tensor) -> Tensor:
    """[U, n], which questions each person is asked."""
    _, count = torch.unique(user, return_counts=True)
    if bool((count != count[0]).any()):
        raise InputError(
            f"people are asked {int(count.min())} to {int(count.max())} questions: ask all the same number, or look at one at a time"
        )
    return torch.argsort(user, stable=True).view(-1, int(count[0]))


_two_groups = {
    "asked": torch.tensor([[0, 1], [0, 1]]),
    "share": torch.zeros(2, dtype=torch.float64),
    "score": torch.tensor([[LN3, 0.0], [0.0, LN3]], dtype=torch.float64),
}
witness = (
    Witness(  # half the people say 3 to 1 and half 1 to 3
        Mixture(groups=2),
        parent=Mixture(groups=1),
        given=_two_groups,
        returns=torch.full((2, 2), 0.5, dtype=torch.float64).log(),
    ),
    Witness(  # three quarters belong to the first group: 3/4 3/4 + 1/4 1/4
        Mixture(groups=2),
        parent=BradleyTerry(),
        given=_two_groups | {"asked": torch.tensor([[0, 1]]), "share": torch.tensor([LN3, 0.0], dtype=torch.float64)},
        returns=torch.tensor([[5 / 8, 3 / 8]], dtype=torch.float64).log(),
    ),
)
