"""Samplers: a policy and prompts → rollouts."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from guerdon.models import Policy
from guerdon.sequences import Decoding, Sequences


class Sampler(Protocol):
    """``contexts``: P prompts as token ids → ``Sequences`` with ``old_logp`` recorded, ``context`` telling which
    prompt each row answers. The same seed gives the same rollouts, whatever the batch holds besides."""

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int) -> Sequences: ...
