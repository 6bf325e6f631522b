"""Selection: statistics of what was sampled → which sequences are kept, or how often a prompt is drawn."""

from typing import Protocol

from torch import Tensor


class Selection(Protocol):
    """``reward`` [B], ``group`` [B] → keep [B] (bool). A selection that weighs prompts returns weights [P] instead and
    carries state."""

    def __call__(self, **quantities: Tensor) -> Tensor: ...
