"""A policy that answers by a script: what samplers are shown on. It has no parameters and ignores the uniforms."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.sequences import Decoding, Sequences, pad


@dataclass(frozen=True)
class Scripted:
    """``answers[x][k]``: the actions of the k-th sequence that is asked for of the context with the index x, in turn; ``continued``: of one that holds a beginning.
    ``end``: what has not said this action last can be gone on with; None: everything has ended."""

    answers: tuple[tuple[tuple[int, ...], ...], ...]
    measures: Set[str] = frozenset()
    continued: tuple[tuple[tuple[int, ...], ...], ...] = ()
    end: int | None = None

    def sample(self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor) -> Sequences:
        asked, rows = [0] * len(contexts), []
        for position in context.tolist():
            script = (self.answers if len(contexts[position]) == 1 else self.continued)[int(contexts[position][0])]
            rows.append(script[asked[position] % len(script)][: decoding.max_completion_length])
            asked[position] += 1
        actions, length = pad(rows, torch.long), torch.tensor([len(row) for row in rows])
        mask = torch.arange(actions.shape[1]) < length.unsqueeze(-1)
        ended = torch.tensor([self.end is None or row[-1:] == (self.end,) for row in rows])
        recorded = {"old_logp": torch.zeros(actions.shape, dtype=torch.float64), "terminated": ended}
        return Sequences(list(contexts), context, actions, mask, length, recorded)
