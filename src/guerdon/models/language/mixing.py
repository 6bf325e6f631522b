"""Mixing: two language models draw one completion, each step from a combination of their logits.

    logits = (1 - weight) * logits of the one + weight * logits of the other        at every step

Source: the deep form of Nash-MD, arXiv 2312.00886, eq. 15 (weight between 0 and 1); PILAF, arXiv 2502.04270 (beyond either end).
Differs from the geometric mixture of whole sequences (``models.finite.geometric_mixture``): normalised at every step, so that it can be drawn from.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor

from guerdon.errors import InputError
from guerdon.models import Finished
from guerdon.models.language.decoding import Growing
from guerdon.models.language.sampling import sample
from guerdon.sequences import Decoding, Sequences


class Within:
    """Sequences that grow inside of a context: with the adapters off."""

    def __init__(self, growing: Growing, context: Callable[[], AbstractContextManager[Any]]):
        self.growing, self.context = growing, context

    def step(self, taken: Tensor) -> Tensor:
        with self.context():
            return self.growing.step(taken)

    def keep(self, rows: Tensor) -> None:
        self.growing.keep(rows)


class Together:
    """The same sequences growing under two models."""

    def __init__(self, one: Growing, other: Growing, weight: float):
        self.one, self.other, self.weight = one, other, weight

    def step(self, taken: Tensor) -> Tensor:
        return combined(self.one.step(taken), self.other.step(taken), self.weight)

    def keep(self, rows: Tensor) -> None:
        self.one.keep(rows)
        self.other.keep(rows)


def combined(one: Tensor, other: Tensor, weight: float) -> Tensor:
    """Logits [B, V] of the mixture. Of a weight of 0 or 1 those of one model, whose zeros are then zeros."""
    if weight in (0, 1):
        return other if weight else one
    return (1 - weight) * one.float().log_softmax(-1) + weight * other.float().log_softmax(-1)


class MixedPolicy:
    """Two language policies with one tokenizer, acting together. It samples; it has no parameters of its own and measures nothing.

    Raises:
        InputError: their vocabularies differ.
    """

    measures = frozenset()

    def __init__(self, one: Any, other: Any, weight: float):
        sizes = [len(policy.tokenizer) for policy in (one, other)]
        if sizes[0] != sizes[1]:
            raise InputError(f"only models with the same tokenizer can be mixed; these have vocabularies of {sizes[0]} and {sizes[1]}")
        self.one, self.other, self.weight = one, other, weight
        self.tokenizer, self.device, self.ends = one.tokenizer, one.device, one.ends

    def begin(self, contexts: Sequence[Tensor], context: Tensor, steps: int) -> tuple[Together, Tensor]:
        """See ``sampling.Begin``."""
        (one, first), (other, second) = self.one.begin(contexts, context, steps), self.other.begin(contexts, context, steps)
        return Together(one, other, self.weight), combined(first, second, self.weight)

    def sample(
        self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor, finished: Finished | None = None
    ) -> Sequences:
        """See ``guerdon.models.Policy``."""
        return sample(self.begin, contexts, context, decoding, uniforms, self.ends, self.device, finished)
