"""Answers as an estimator needs them: checked, equal ones counted, and whose belong together."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError


@dataclass(frozen=True)
class Answers:
    """Each different (user, question, answer) once.

    Attributes:
        given: what a likelihood is called with besides its parameters.
        answer, count: [R], what was answered, and how often.
        clustered: how often (``times``) which answer (``row``) was given in which ``cluster``, [E] each; None: every answer is by itself.
        sizes: the numbers of items, users and features, as ``Likelihood.parameters`` takes them.
    """

    given: dict[str, Tensor]
    answer: Tensor
    count: Tensor
    clustered: dict[str, Tensor] | None
    sizes: dict[str, Any]


def answers(
    likelihood: Any,
    asked: Tensor,
    answer: Tensor,
    user: Tensor | None = None,
    features: Tensor | None = None,
    count: Tensor | None = None,
    cluster: Tensor | None = None,
    items: int | None = None,
) -> Answers:
    """Check and gather.

    Raises:
        InputError: shapes do not agree, or an index is none.
    """
    asked, items = questions(asked, features, items)
    answer = _indices(answer, "answer", len(asked))
    outcomes = len(likelihood.outcomes(asked.shape[1]))
    if int(answer.max()) >= outcomes:
        at = int(answer.argmax())
        raise InputError(
            f"answer {at} is {int(answer[at])}: a question with {asked.shape[1]} candidates has {outcomes} answers here, 0 to {outcomes - 1}"
        )
    count = torch.ones(len(asked), dtype=torch.float64) if count is None else torch.as_tensor(count).double()
    if count.shape != answer.shape or not bool((count.isfinite() & (count >= 0)).all()) or not bool(count.any()):
        raise InputError("count is how often each answer was given: a number of at least 0 for each question, not all 0")
    who = torch.zeros_like(answer) if user is None else _indices(user, "user", len(asked))
    if likelihood.joint and user is None:
        who = torch.arange(len(asked))
    if likelihood.joint and cluster is not None:
        raise InputError(
            "cluster: in a mixture what a person answers is one observation, so that answers are clustered by user already; leave it out"
        )
    kept = count > 0
    asked, answer, count, who = (x[kept] for x in (asked, answer, count, who))
    rows, row = torch.unique(torch.cat([who.unsqueeze(-1), asked, answer.unsqueeze(-1)], -1), dim=0, return_inverse=True)
    total = torch.zeros(len(rows), dtype=torch.float64).index_add(0, row, count)
    given = {"asked": rows[:, 1:-1]}
    if user is not None or likelihood.joint:
        given["user"] = rows[:, 0]
    if features is not None:
        given["features"] = features.double()
    sizes = {"items": items, "users": int(who.max()) + 1, "features": None if features is None else features.shape[1]}
    clustered = None if cluster is None else {"cluster": _indices(cluster, "cluster", len(kept))[kept], "row": row, "times": count}
    return Answers(given, rows[:, -1], total, clustered, sizes)


def questions(asked: Tensor, features: Tensor | None, items: int | None) -> tuple[Tensor, int]:
    """Questions [Q, K], checked, and the number of items."""
    if asked.dim() != 2 or not len(asked):
        raise InputError(
            f"asked has shape {tuple(asked.shape)}: give the items of each question as [questions, candidates], at least one of each"
        )
    asked = _indices(asked.flatten(), "asked", asked.numel()).view(asked.shape)
    ordered = asked.sort(-1).values
    twice = (ordered[:, 1:] == ordered[:, :-1]).any(-1)
    if bool(twice.any()):
        raise InputError(f"question {int(twice.nonzero()[0])} shows an item twice, {asked[twice][0].tolist()}: leave it out")
    seen = int(asked.max()) + 1
    known = seen if features is None else len(features)
    items = max(seen, known) if items is None else items
    if seen > items or (features is not None and known != items):
        raise InputError(
            f"there are {items} items, {known} of them with features, and questions ask about item {seen - 1}: make them agree"
        )
    return asked, items


def _indices(values: Tensor, name: str, size: int) -> Tensor:
    values = torch.as_tensor(values)
    if values.shape != (size,) or values.is_floating_point() or bool((values < 0).any()):
        raise InputError(
            f"{name} must be {size} whole numbers from 0, one for each question; it has shape {tuple(values.shape)} and type {values.dtype}"
        )
    return values.long()
