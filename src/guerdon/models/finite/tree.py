"""The tree of all sequences over a vocabulary up to a depth: one numbering that policies, critics and worlds share.

The prefix that stands before step t is a node of the complete tree with V branches. The root is node 0 and action ``a`` leads from node ``n``
to ``n * V + a + 1``. A sequence's number is its rank among all sequences, shorter ones first and then in lexicographic order, which is
the order of the node that its last action leads to.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.sequences import Sequences

LARGEST = 1 << 22  # cells of a table: 32 MiB in float64


@dataclass(frozen=True)
class PrefixTree:
    """Sequences over ``vocabulary`` actions that stop after ``depth`` steps, or earlier at the action ``end`` (None: never earlier)."""

    vocabulary: int
    depth: int = 1
    end: int | None = None

    def __post_init__(self) -> None:
        if self.vocabulary < 1 or self.depth < 1:
            raise InputError(f"a finite world needs a vocabulary and a depth of at least 1, not {self.vocabulary} and {self.depth}")
        if self.end is not None and not 0 <= self.end < self.vocabulary:
            raise InputError(f"the end action {self.end} is not in the vocabulary 0..{self.vocabulary - 1}: choose one of these, or None")
        if self.vocabulary**self.depth > LARGEST:
            raise InputError(
                f"a vocabulary of {self.vocabulary} to the depth {self.depth} is too large to enumerate "
                f"({self.vocabulary**self.depth} sequences, at most {LARGEST}): lower one of them"
            )

    @property
    def prefixes(self) -> int:
        """How many nodes have a next step."""
        return sum(self.vocabulary**t for t in range(self.depth))

    @property
    def size(self) -> int:
        """S, how many sequences there are."""
        return len(self.length)

    @property
    def actions(self) -> Tensor:
        """[S, depth], every sequence, 0 beyond its end."""
        return _enumerate(self)[0]

    @property
    def length(self) -> Tensor:
        """[S], steps of every sequence."""
        return _enumerate(self)[1]

    @property
    def mask(self) -> Tensor:
        """[S, depth], true within a sequence."""
        return torch.arange(self.depth) < self.length.unsqueeze(-1)

    def terminated(self, actions: Tensor, length: Tensor) -> Tensor:
        """[B], whether a sequence ended by itself: at the end action, or, where there is none, at the full depth."""
        if self.end is None:
            return length == self.depth
        last = actions.gather(1, (length - 1).clamp(min=0).unsqueeze(-1)).squeeze(-1)
        return (last == self.end) & (length > 0)

    def nodes(self, actions: Tensor) -> Tensor:
        """[B, T] actions → [B, T] the prefix that stood before each."""
        node = torch.zeros(actions.shape[0], dtype=torch.long)
        out = []
        for action in actions.unbind(1):
            out.append(node)
            node = node * self.vocabulary + action + 1
        return torch.stack(out, 1)

    def index(self, actions: Tensor, length: Tensor) -> Tensor:
        """[B], the number of each complete sequence.

        Raises:
            InputError: a row is not a complete sequence of this tree (it was cut off).
        """
        codes = self._codes(actions, length)
        known = self._codes(self.actions, self.length)
        found = torch.searchsorted(known, codes).clamp(max=len(known) - 1)
        bad = (known[found] != codes).nonzero().flatten()
        if len(bad):
            row = int(bad[0])
            raise InputError(
                f"sequence {row}, {actions[row, : int(length[row])].tolist()}, is not a complete sequence of {self}: "
                f"let max_completion_length be at least {self.depth}"
            )
        return found

    def sequences(self, context: int) -> Sequences:
        """Every sequence as an answer to the context with this index."""
        index = torch.zeros(self.size, dtype=torch.long)
        ended = self.terminated(self.actions, self.length)
        return Sequences([torch.tensor([context])], index, self.actions.clone(), self.mask, self.length.clone(), {"terminated": ended})

    def _codes(self, actions: Tensor, length: Tensor) -> Tensor:
        """The node that each row's last action leads to: different for different sequences, increasing in their number."""
        actions = actions[:, : self.depth]
        reached = self.nodes(actions) * self.vocabulary + actions + 1
        return reached.gather(1, (length - 1).clamp(0, actions.shape[1] - 1).unsqueeze(-1)).squeeze(-1)


@lru_cache(maxsize=64)
def _enumerate(tree: PrefixTree) -> tuple[Tensor, Tensor]:
    choices = torch.arange(tree.vocabulary)
    alive = torch.zeros(1, 0, dtype=torch.long)
    done, lengths = [], []
    for step in range(1, tree.depth + 1):
        alive = torch.cat([alive.repeat_interleave(tree.vocabulary, 0), choices.repeat(len(alive)).unsqueeze(-1)], 1)
        last = torch.full((len(alive),), step == tree.depth)
        if tree.end is not None:
            last |= alive[:, -1] == tree.end
        done.append(torch.nn.functional.pad(alive[last], (0, tree.depth - step)))
        lengths.append(torch.full((int(last.sum()),), step))
        alive = alive[~last]
    return torch.cat(done), torch.cat(lengths)


def context_indices(sequences: Sequences, contexts: int) -> Tensor:
    """[B], the index that each row's context holds.

    Raises:
        InputError: a context is not one index below ``contexts``.
    """
    for position, context in enumerate(sequences.contexts):
        if context.numel() != 1 or not 0 <= int(context) < contexts:
            raise InputError(
                f"context {position} is {context.tolist()}, but a finite model with {contexts} contexts takes a one-element tensor "
                f"with an index in 0..{contexts - 1}"
            )
    return torch.cat([c.reshape(1) for c in sequences.contexts]).long()[sequences.context]
