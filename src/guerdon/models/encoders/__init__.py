"""Encoders: frozen models that turn a sequence into a vector. What is trained is a head on it (``Embedded``)."""

from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from guerdon.sequences import Sequences


class RunningEncoder(Protocol):
    """A running encoder: what a specification's ``build()`` gives.

    Attributes:
        tokenizer: in whose tokens sequences are written.
        width: D.
    """

    tokenizer: Any
    width: int

    def embed(self, sequences: Sequences) -> Tensor:
        """[B, D], without gradients; each row depends on nothing but its own tokens."""
        ...

    def save(self, folder: Path) -> None:
        """Write what is needed to build it again."""
        ...
