"""The arithmetic that a step needs, whatever a library makes of it.

Counted are matrix products, two operations for each multiply-add. Needed is: the prompt of a group once; a completion's last token is
predicted and not read; the head where something is predicted, once for each place; the backward pass twice the forward pass, or with
adapters only the gradients that reach and update them. Recomputation is not needed and not counted; neither are softmax, norms and optimiser.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Work:
    """Places of a forward pass.

    Attributes:
        tokens: read by the body.
        pairs: of a query and a key that it sees.
        predicted: places under the head over the vocabulary.
        scored: places under a scalar head.
    """

    tokens: int = 0
    pairs: int = 0
    predicted: int = 0
    scored: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.tokens + other.tokens, self.pairs + other.pairs, self.predicted + other.predicted, self.scored + other.scored)


def group(prompt: int, completions: Sequence[int]) -> Work:
    """A prompt and completions of it, of which the log-probability of every token is wanted (or which are sampled)."""
    work = Work(prompt, prompt * (prompt + 1) // 2, 1)
    for n in completions:
        read = n - 1
        work += Work(read, read * prompt + read * (read + 1) // 2, read)
    return work


def scored_group(prompt: int, completions: Sequence[int]) -> Work:
    """A prompt and completions of it, each with one score at its last token."""
    work = Work(prompt, prompt * (prompt + 1) // 2)
    for n in completions:
        work += Work(n, n * prompt + n * (n + 1) // 2, 0, 1)
    return work


def text(length: int) -> Work:
    """A text of which every token but the first is predicted."""
    return group(1, [length - 1])


def total(works: Iterable[Work]) -> Work:
    return sum(works, Work())


@dataclass(frozen=True)
class Shape:
    """Sizes of a decoder with gated feed-forward layers."""

    layers: int
    hidden: int
    heads: int
    key_heads: int
    head_size: int
    intermediate: int
    vocabulary: int
    lora: int = 0

    @classmethod
    def of(cls, config: Any, lora: int = 0) -> "Shape":
        """From a configuration of ``transformers``."""
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return cls(
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            config.num_key_value_heads,
            size,
            config.intermediate_size,
            config.vocab_size,
            lora,
        )

    @property
    def matrices(self) -> list[tuple[int, int]]:
        """(in, out) of each matrix of one layer: query, key, value, output, gate, up, down."""
        d, q, k, f = self.hidden, self.heads * self.head_size, self.key_heads * self.head_size, self.intermediate
        return [(d, q), (d, k), (d, k), (q, d), (d, f), (d, f), (f, d)]

    @property
    def per_token(self) -> int:
        """Multiply-adds of the body's matrices."""
        return self.layers * sum(i * o for i, o in self.matrices)

    def _pieces(self, work: Work) -> tuple[int, int, int, int]:
        """Operations of the body's matrices, attention, heads, adapters."""
        adapters = self.layers * sum(self.lora * (i + o) for i, o in self.matrices)
        return (
            2 * self.per_token * work.tokens,
            4 * self.layers * self.heads * self.head_size * work.pairs,  # scores and values
            2 * self.hidden * (self.vocabulary * work.predicted + work.scored),
            2 * adapters * work.tokens,
        )

    def forward(self, work: Work, adapted: bool = True) -> int:
        """Operations of a forward pass; without adapters where they are switched off."""
        body, attention, head, adapters = self._pieces(work)
        return body + attention + head + adapters * adapted

    def backward(self, work: Work) -> int:
        """Operations of a backward pass. Frozen matrices pass gradients on and get none; the first layer's three inputs need none passed."""
        body, attention, head, adapters = self._pieces(work)
        if not self.lora:
            return 2 * (body + attention + head)
        first = 2 * sum(i * o for i, o in self.matrices[:3]) * work.tokens
        return body - first + 2 * attention + head + 2 * adapters

    def step(self, kind: str, work: Work) -> int:
        """Operations of one step of a kind of job."""
        if kind == "sampling":
            return self.forward(work, adapted=bool(self.lora))
        learned = self.forward(work) + self.backward(work)
        if kind == "dpo":
            return learned + self.forward(work, adapted=False)  # the reference
        return learned + (self.forward(work) if kind == "grpo" else 0)  # sampling computes what a forward pass does
