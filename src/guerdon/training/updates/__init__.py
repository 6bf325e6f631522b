"""Updates: what happens to parameters besides a gradient step."""

from typing import Any, Protocol

from torch import nn


class Update(Protocol):
    """Called after each optimiser step with the number of steps done; changes the modules in place."""

    def __call__(self, step: int, modules: dict[str, nn.Module]) -> Any: ...
