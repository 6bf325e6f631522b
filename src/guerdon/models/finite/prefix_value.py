"""Prefix value: a table of state values, one for each prefix of each context: the critic of a finite world.

    value[b, t] = table[context of b, prefix before step t of b]        in units of the reward; float64, 0 at the start

Source: the tabular value function of Sutton and Barto 2018, chapter 6.
"""

import json
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.sequences import Sequences
from guerdon.steps import clean


@dataclass(frozen=True)
class PrefixValue:
    contexts: int
    vocabulary: int
    depth: int = 1

    def build(self) -> "TableCritic":
        return TableCritic(PrefixTree(self.vocabulary, self.depth), self.contexts)


class TableCritic:
    """A running table of values: ``module`` holds ``table`` [C, P]."""

    measures = frozenset({"value"})

    def __init__(self, tree: PrefixTree, contexts: int) -> None:
        self.tree = tree
        self.module = nn.ParameterDict({"table": nn.Parameter(torch.zeros(contexts, tree.prefixes, dtype=torch.float64))})

    @property
    def values(self) -> Tensor:
        return self.module["table"]

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """``value`` [B, T]: what is expected from before each step on."""
        if set(names) - self.measures:
            raise InputError(f"a table of values measures value, not {', '.join(sorted(set(names) - self.measures))}")
        if not names:
            return {}
        if sequences.actions.shape[1] > self.tree.depth:
            raise InputError(f"sequences of {sequences.actions.shape[1]} steps do not fit a table of values of depth {self.tree.depth}")
        where = context_indices(sequences, len(self.values)).unsqueeze(-1)
        real = torch.arange(sequences.actions.shape[1]) < sequences.length.unsqueeze(-1)  # acted or given
        nodes = self.tree.nodes(torch.where(real, sequences.actions, 0))
        return {"value": clean(self.values[where, nodes], sequences.mask)}

    def save(self, folder: Path, merge: bool = True) -> None:
        """Write ``critic.safetensors`` and ``critic.json``. A table has no adapters to ``merge``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"table": self.values.detach().contiguous()}, folder / "critic.safetensors")
        (folder / "critic.json").write_text(json.dumps({"vocabulary": self.tree.vocabulary, "depth": self.tree.depth}) + "\n")
