"""Likelihoods: parameters and questions → the log-probability of every answer to each question, in float64.

A question shows K of M items to a person, ``asked`` [Q, K], and has finitely many answers, so that expectations over them are sums. Names are the same throughout:

* data: ``asked`` [Q, K] (indices of items, no item twice in a question), ``user`` [Q] (who was asked), ``features`` [M, D] (what is known of the items);
* parameters: ``score`` [M] and whatever else a part names. ``parameters`` gives names and shapes, and a part is called with both kinds by name;
* an answer is an index into ``outcomes``, which says for K candidates what each answer is: the positions that were named, the best first. ``(0,)`` is "the first
  one", ``(2, 0, 1)`` a ranking, and ``()`` names nobody: a tie, or "none of them".

A *choice* turns the scores of the candidates into probabilities; ``Linear``, ``UserWeighted``, ``SkewSymmetric`` and ``OrderEffect`` say where scores come from and hand
them to any choice; ``Mixture`` is of any likelihood. What the answers cannot tell (the zero of the scores, the rotation of factors) is in each docstring; ``gauge`` fixes it.
"""

from typing import Any, Protocol

from torch import Tensor


class Likelihood(Protocol):
    """Parameters, questions → log-probabilities [Q, O] of the O answers to each, nats."""

    unimodal: bool  # whether no data give a second maximum (the logarithm is concave, perhaps in other coordinates)

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        """The names and shapes of the parameters for so many items, users and features."""
        ...

    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        """What the O answers to a question with ``size`` candidates are."""
        ...

    def __call__(self, *, asked: Tensor, **data_and_parameters: Any) -> Tensor: ...
