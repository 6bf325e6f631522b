"""Heads: what turns the hidden states of a body into a number. A specification says how to build the module; it holds no parameters."""

from typing import Protocol

from torch import Tensor, nn


class Head(Protocol):
    """Attributes: ``measures``, the quantity's name; ``per_step``, whether it is [B, T] or [B]."""

    measures: str
    per_step: bool

    def build(self, width: int, seed: int) -> nn.Module: ...

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> Tensor:
        """What the built ``module`` says of hidden states [P, D]: of each sequence, read at the places ``last`` [B], or of each acted step, read
        at the places ``predicts`` [S]."""
        ...
