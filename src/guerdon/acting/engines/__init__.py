"""Engines: who draws completions for a policy. Without one it is the policy itself (``Policy.sample``), from its own weights as they are now.

An engine has the arguments of ``Policy.sample`` after the policy, and gives what it gives. Two things may differ, and each engine says how:
whether a row depends on anything but its own ``uniforms``, and whose weights it samples from. ``old_logp`` is always recorded of what
drew, so that losses which read it (``losses.surrogates.clip`` ...) correct for weights that are behind; how far they are behind is shown by the metric
``sampling/sampling_logp_difference``. Evaluation is always of the policy itself. An engine that depends on something outside of this process has
``look()``, which refuses what is not there.

One that draws while this process does something else has ``ready(policy, contexts, decoding, idle) -> Engine``: it takes the policy's weights as they are now, after it has called
``idle``, which returns when nothing is being drawn with those that it had; what it returns draws one batch in another thread, whatever the policy does meanwhile. And it has
``filled(policy, drawn) -> Sequences``, which adds what only the policy can tell.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

from guerdon.models import Policy
from guerdon.sequences import Decoding, Sequences


class Engine(Protocol):
    """P contexts as token ids and, for each of B rows, the index of its own → ``Sequences`` with ``old_logp`` and ``terminated``. One that can tell
    of sequences before all have ended asks for ``finished`` (``guerdon.models.Finished``)."""

    def __call__(
        self, policy: Policy, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor, **named: Any
    ) -> Sequences: ...


def seed_of(uniforms: Tensor) -> int:
    """A seed for an engine that has random numbers of its own, out of the first of ours: 0 to 2^31 - 1. Numbers in float32 lie 128 apart, so that a
    server may count on from a seed."""
    return int(uniforms.flatten()[0].double() * 2**31)
