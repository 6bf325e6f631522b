"""Vectors: items whose embeddings are given, as a table.

    embedding(x) = table[item]        [B, D], item the last action of x

A sequence is a context and one action, both indices of items.

    Embedded(Vectors(world), RewardFeatures(users=40))          # world.features() [I, D]

Source: ours.
Differs from SentenceEmbedding: there is no text; nothing is encoded.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from guerdon.errors import InputError
from guerdon.sequences import Sequences


@dataclass(frozen=True)
class Vectors:
    """Specification of a table of vectors.

    Attributes:
        of: anything with ``features()`` [I, D]; a world of users.
    """

    of: Any

    def build(self, seed: int = 0) -> "VectorTable":
        return VectorTable(self.of.features().float())


class VectorTable:
    """The running table."""

    tokenizer = None

    def __init__(self, table: Tensor):
        self.table, self.width = table, table.shape[1]

    def embed(self, sequences: Sequences) -> Tensor:
        """See ``guerdon.models.encoders.RunningEncoder``.

        Raises:
            InputError: an item is not in the table.
        """
        items = sequences.actions.gather(1, (sequences.length - 1).clamp(min=0).unsqueeze(-1)).squeeze(-1)
        if len(items) and not 0 <= int(items.min()) <= int(items.max()) < len(self.table):
            raise InputError(f"items are indices into a table of {len(self.table)} vectors, and there is {int(items.max())}")
        return self.table[items]

    def save(self, folder: Path) -> None:
        """``vectors.safetensors``."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file({"table": self.table.contiguous()}, folder / "vectors.safetensors")
