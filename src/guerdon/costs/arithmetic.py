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
    read = [n - 1 for n in completions]  # the last token is predicted and not read
    return Work(prompt + sum(read), _seen(prompt, read), 1 + sum(read))


def scored_group(prompt: int, completions: Sequence[int]) -> Work:
    """A prompt and completions of it, each with one score at its last token."""
    return Work(prompt + sum(completions), _seen(prompt, completions), 0, len(completions))


def _seen(prompt: int, read: Sequence[int]) -> int:
    """Pairs of a prompt, and of what is read after it."""
    return prompt * (prompt + 1) // 2 + prompt * sum(read) + sum(n * (n + 1) // 2 for n in read)


def text(length: int) -> Work:
    """A text of which every token but the first is predicted."""
    return group(1, [length - 1])


def total(works: Iterable[Work]) -> Work:
    """Of several passes."""
    each = [(work.tokens, work.pairs, work.predicted, work.scored) for work in works]
    return Work(*map(sum, zip(*each, strict=True))) if each else Work()


@dataclass(frozen=True)
class Shape:
    """Sizes of a decoder with gated feed-forward layers.

    Attributes:
        intermediate: of one feed-forward block.
        experts, active: feed-forward blocks of a layer, and how many of them a token goes through.
        tied: whether the head is the embedding.
    """

    layers: int
    hidden: int
    heads: int
    key_heads: int
    head_size: int
    intermediate: int
    vocabulary: int
    lora: int = 0
    experts: int = 1
    active: int = 1
    tied: bool = False

    @classmethod
    def of(cls, config: Any, lora: int = 0) -> "Shape":
        """From a configuration of ``transformers``."""
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        experts, intermediate = getattr(config, "num_experts", None) or 1, config.intermediate_size
        return cls(
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            getattr(config, "num_key_value_heads", None) or config.num_attention_heads,
            size,
            intermediate if experts == 1 else config.moe_intermediate_size,
            config.vocab_size,
            lora,
            experts,
            1 if experts == 1 else config.num_experts_per_tok,
            bool(config.tie_word_embeddings),
        )

    @property
    def matrices(self) -> list[tuple[int, int]]:
        """(in, out) of each matrix of one layer that a token meets: query, key, value, output, then gate, up and down of its blocks."""
        d, q, k, f = self.hidden, self.heads * self.head_size, self.key_heads * self.head_size, self.intermediate
        return [(d, q), (d, k), (d, k), (q, d), *[(d, f), (d, f), (f, d)] * self.active]

    @property
    def per_token(self) -> int:
        """Multiply-adds of the body's matrices."""
        return self.layers * sum(i * o for i, o in self.matrices)

    @property
    def body(self) -> int:
        """Weights of the layers' matrices, those of every block."""
        return self.layers * (sum(i * o for i, o in self.matrices) + 3 * self.hidden * self.intermediate * (self.experts - self.active))

    @property
    def parameters(self) -> int:
        """Weights in all: layers, embedding and head. Norms are left out."""
        return self.body + self.vocabulary * self.hidden * (1 if self.tied else 2)

    def met(self, tokens: float) -> float:
        """Weights that so many tokens meet together, head included: of blocks that are chosen at random, those that any of them chose."""
        a_block = 3 * self.layers * self.hidden * self.intermediate
        chosen = self.experts * (1 - (1 - self.active / self.experts) ** tokens) if self.experts > 1 else 1.0
        return self.body - a_block * (self.experts - chosen) + self.vocabulary * self.hidden

    @property
    def cached(self) -> int:
        """Numbers that a token leaves in the cache: a key and a value for each layer and key head."""
        return 2 * self.layers * self.key_heads * self.head_size

    @property
    def adapters(self) -> int:
        """Weights of adapters on every matrix."""
        return self.layers * sum(self.lora * (i + o) for i, o in self.matrices)

    def _pieces(self, work: Work) -> tuple[int, int, int, int]:
        """Operations of the body's matrices, attention, heads, adapters."""
        return (
            2 * self.per_token * work.tokens,
            4 * self.layers * self.heads * self.head_size * work.pairs,  # scores and values
            2 * self.hidden * (self.vocabulary * work.predicted + work.scored),
            2 * self.adapters * work.tokens,
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
