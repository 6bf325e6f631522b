"""Buffers: rollouts of a step, and those that were kept → the ones that are learned from once more, and what is kept from now on.

What is replayed has the ``old_logp`` of the policy that drew it, so that ratios and corrections weigh it as what it is: off-policy.
"""

from typing import Any, Protocol

from torch import Tensor

from guerdon.sequences import Sequences


class Buffer(Protocol):
    """``rollouts`` with ``reward``, of B sequences; ``place`` [B], the row of the task that each answers → the rollouts, with those that are replayed after them, each in
    the group of its prompt and with the quantity ``replayed``, and the new state. One that asks for ``measure`` is given what the policy, as it is now, says: sequences and the
    name of a quantity → [B, T]."""

    def init(self) -> dict[str, Any]: ...

    def __call__(self, rollouts: Sequences, place: Tensor, state: dict[str, Any], seed: int) -> tuple[Sequences, dict[str, Any]]: ...
