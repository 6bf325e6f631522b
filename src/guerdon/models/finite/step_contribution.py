"""Step contribution: a table of what each step adds to the outcome, by its place and what was done there: the progress estimator of a finite world.

    contribution[b, t] = table[context of b, t, action of b at t]        in units of the reward; float64, 0 at the start

Source: the step-wise contributions of SPA-RL, arXiv 2505.20732, in the place of whose network on hidden states it stands.
Differs from PrefixValue: it sees the step itself, and not what was done before it, so that what it learns of one answer holds for others.
"""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.finite.tree import context_indices
from guerdon.sequences import Sequences
from guerdon.steps import clean


@dataclass(frozen=True)
class StepContribution:
    contexts: int
    vocabulary: int
    depth: int = 1

    def build(self) -> "ContributionTable":
        return ContributionTable(torch.zeros(self.contexts, self.depth, self.vocabulary, dtype=torch.float64))


class ContributionTable:
    """A running table of contributions: ``module`` holds ``table`` [C, T, V]."""

    measures = frozenset({"contribution"})

    def __init__(self, table: Tensor) -> None:
        self.module = nn.ParameterDict({"table": nn.Parameter(table)})

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """``contribution`` [B, T]."""
        table = self.module["table"]
        if set(names) - self.measures:
            raise InputError(f"a table of contributions measures contribution, not {', '.join(sorted(set(names) - self.measures))}")
        if not names:
            return {}
        steps = sequences.actions.shape[1]
        taken = torch.where(sequences.mask, sequences.actions, 0)
        if steps > table.shape[1] or (taken.numel() and int(taken.max()) >= table.shape[2]):
            raise InputError(
                f"sequences of {steps} steps do not fit a table of contributions of {table.shape[1]} steps over {table.shape[2]} actions"
            )
        where = context_indices(sequences, len(table)).unsqueeze(-1)
        return {"contribution": clean(table[where, torch.arange(steps), taken], sequences.mask)}

    def save(self, folder: Path, merge: bool = True) -> None:
        """Write ``contributions.safetensors``. A table has no adapters to ``merge``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"table": self.module["table"].detach().contiguous()}, folder / "contributions.safetensors")
