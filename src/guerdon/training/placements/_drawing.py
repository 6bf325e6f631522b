"""Drawing elsewhere: a policy whose sequences are drawn by workers, unit by unit, with the weights as they were at one time."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.models import Finished, Policy
from guerdon.saying import say
from guerdon.sequences import Decoding, Sequences
from guerdon.training.placements._pool import Pool
from guerdon.training.placements._worker import Version
from guerdon.training.spreading import part_of, together


def units(context: Tensor, prompts: int, sequences: int) -> list[list[int]]:
    """The prompts in their order, as many to a unit as have ``sequences`` sequences, at least one. How many workers there are plays no part, so that a unit is the same
    products of the same shapes whoever draws it."""
    count = torch.bincount(context, minlength=prompts).tolist()
    made: list[list[int]] = []
    room = 0
    for prompt in range(prompts):
        if not made or room < count[prompt]:
            made.append([])
            room = sequences
        made[-1].append(prompt)
        room -= count[prompt]
    return made


class Drawing:
    """A policy whose sequences are drawn by a pool's workers. In everything else it is the policy.

    Args:
        version: the weights, which are kept for as long as this object is.
        own: by the policy's own sampler, whoever else draws for it there.
        sequences: of a unit, about.
    """

    def __init__(self, policy: Policy, pool: Pool, version: Version, own: bool, sequences: int, once: Callable[[str], None] = say):
        self._policy, self._pool, self._version, self._own, self._sequences, self._once = policy, pool, version, own, sequences, once

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def sample(
        self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor, finished: Finished | None = None
    ) -> Sequences:
        """See ``guerdon.models.Policy``. ``finished`` is told of whole units."""
        parts = [part_of(contexts, context, uniforms, own) for own in units(context, len(contexts), self._sequences)]
        parts = [part for part in parts if len(part.rows)]
        steps = decoding.max_completion_length
        so_far = _Growing(contexts, context, steps) if finished is not None else None

        def done(piece: int, drawn: Sequences) -> None:
            if so_far is not None:
                finished(so_far.with_unit(parts[piece].rows, drawn), parts[piece].rows)

        asked = [(self._version, self._own, (part.contexts, part.context, decoding, part.uniforms)) for part in parts]
        drawn = self._pool.each("draw", asked, done)
        return together(contexts, context, [(part.rows, some) for part, some in zip(parts, drawn, strict=True)])

    def mixed(self, other: Policy, weight: float) -> Policy:
        """See ``guerdon.models.Mixable``. Workers hold one policy, so two draw together where the learner is."""
        self._once("what the policy and another model draw together is drawn by the learner's process, not by rollout workers")
        return self._policy.mixed(other, weight)


class _Growing:
    """The sequences of a batch as far as they are there."""

    def __init__(self, contexts: Sequence[Tensor], context: Tensor, steps: int):
        self.contexts, self.context = list(contexts), context
        self.actions = torch.zeros(len(context), steps, dtype=torch.long)
        self.length = torch.zeros(len(context), dtype=torch.long)

    def with_unit(self, rows: Tensor, drawn: Sequences) -> Sequences:
        self.actions[rows, : drawn.actions.shape[1]] = drawn.actions
        self.length[rows] = drawn.length
        mask = torch.arange(self.actions.shape[1]) < self.length.unsqueeze(-1)
        return Sequences(self.contexts, self.context, self.actions, mask, self.length)
