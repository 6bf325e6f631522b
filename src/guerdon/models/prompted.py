"""A model that is asked otherwise: it measures sequences as answers to other contexts than those that they answered.

Bound to a view, it says what the same model makes of the same answer under another prompt: a prompt for a better answer, one with a hint, one without the question. Nothing
but the contexts changes; steps, masks and whatever else a row brings stay. Where a sampler has it act, what it draws answers the contexts that it was given, whatever it was asked.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.sequences import Decoding, Sequences

Rewrite = Callable[[Tensor], Tensor]  # a context → the context that is asked instead


class Prompted:
    """``model`` behind ``rewrite``, of every context."""

    def __init__(self, model: Model, rewrite: Rewrite) -> None:
        self.model, self.rewrite = model, rewrite

    @property
    def module(self) -> nn.Module:
        return self.model.module

    @property
    def measures(self) -> Set[str]:
        return self.model.measures

    @property
    def packed(self) -> bool:
        """Whether a context is computed once for all that answer it."""
        return bool(getattr(self.model, "packed", False))

    @property
    def compares(self) -> Set[str]:
        """How another policy can be compared with it."""
        return getattr(self.model, "compares", frozenset())

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """The named quantities of the sequences, as answers to the contexts rewritten."""
        return self.model.measure(self._asked(sequences), names)

    def next_steps(self, sequences: Sequences) -> Any:
        """The next-step distributions at the acted steps, after the contexts rewritten."""
        return self.model.next_steps(self._asked(sequences))

    def sample(self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor) -> Sequences:
        """What the model says to the contexts rewritten, as answers to the contexts; ``old_logp`` is that of who drew.

        Raises:
            InputError: the model cannot act.
        """
        if not hasattr(self.model, "sample"):
            raise InputError(f"a {type(self.model).__name__} is asked to act, and it can only measure; bind a policy")
        drawn = self.model.sample([self.rewrite(each) for each in contexts], context, decoding, uniforms)
        return replace(drawn, contexts=list(contexts))

    def _asked(self, sequences: Sequences) -> Sequences:
        return replace(sequences, contexts=[self.rewrite(context) for context in sequences.contexts])

    def save(self, folder: Path, merge: bool = True) -> None:
        self.model.save(folder, merge)


@dataclass(frozen=True)
class Before:
    """These tokens before the context."""

    tokens: tuple[int, ...]

    def __call__(self, context: Tensor) -> Tensor:
        return torch.cat([torch.tensor(self.tokens, dtype=context.dtype), context])
