"""Heads: what turns the hidden states of a body into a number. A specification says how to build the module; it holds no parameters.

A head for people who differ has a field ``users``, how many it knows, and reads who a sequence is scored for. What belongs to one user
alone lies in the module under ``own``; the rest is shared (``guerdon.training.adapting`` keeps it as it is and finds the ``own`` of
somebody new).
"""

from typing import Any, Protocol

from torch import Tensor, nn


class Head(Protocol):
    """Attributes: ``measures``, the quantity's name, or the names of several; ``per_step``, whether it is [B, T] or [B].

    Optional: ``reads``, the names of what ``read`` gets besides (see there); ``acquaint(module, chosen, rejected, user)``, which tells the head of
    comparisons that its users have made, with the embeddings [N, D] of both sides; ``remembers``, true where it keeps these embeddings, so that the body
    under it may not move; ``conclude(module, rows)``, which is told, once the head is fitted, of the rows that it was fitted to: a few at a time, the hidden states [n, D] of
    both sides of comparisons, or of the one answer of each.
    """

    measures: str | tuple[str, ...]
    per_step: bool

    def build(self, width: int, seed: int) -> nn.Module: ...

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, **more: Tensor) -> Any:
        """What the built ``module`` says of hidden states [P, D]: of each sequence, read at the places ``last`` [B], or of each acted step, read
        at the places ``predicts`` [S]. A head with several measures returns them by name.

        ``more``, by the names in ``reads``: ``user`` [B], for whom a sequence is scored; ``context`` [B, D], the hidden state of what a sequence answers;
        ``taken`` [S], the places of the acted steps themselves.
        """
        ...
