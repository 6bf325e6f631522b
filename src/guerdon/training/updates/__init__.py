"""Updates: what happens to parameters besides a gradient step."""

from typing import Protocol

from torch import Tensor


class Update(Protocol):
    """After ``step`` optimiser steps: a parameter of the model ``of`` and the same one of the model ``into`` → the latter's new value."""

    of: str
    into: str

    def __call__(self, step: int, now: Tensor, copy: Tensor) -> Tensor: ...
