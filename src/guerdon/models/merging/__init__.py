"""Merging: the same parameter of several models → that of one model, [...] each → [...]. ``training.merging`` does it for whole models."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Merging(Protocol):
    """One tensor of each of K models, all of one shape → a tensor of that shape."""

    def __call__(self, tensors: Sequence[Tensor]) -> Tensor: ...
