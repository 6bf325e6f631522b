"""A frozen encoder under a trained head: a reward model or an outcome scorer that is fitted in seconds.

    Embedded(SentenceEmbedding("..."), Scalar())       # measures ``score`` [B]

Source: ours; the head is that of InstructGPT, arXiv 2203.02155 (see ``models.heads.scalar``).
Differs from Headed: the body has no gradient, and each text goes through it once.
"""

import copy
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models._scoring import scores_of
from guerdon.models.encoders import RunningEncoder
from guerdon.models.heads import Head
from guerdon.sequences import Sequences
from guerdon.tasks.encoding import Encoder

ROOM = 2**30  # the encoder cuts what is too long itself, view by view


@dataclass(frozen=True)
class Embedded:
    """Specification: an encoder and a head that reads a whole sequence.

    Attributes:
        trained: the folder of a trained one, whose head is taken; None draws a fresh head.
    """

    encoder: Any
    head: Head
    trained: str | None = None

    def build(self, seed: int = 0) -> "EmbeddedModel":
        """Build the encoder and draw the head, or load it.

        Raises:
            InputError: the head reads single steps, or there is no trained one that fits.
        """
        if self.head.per_step:
            raise InputError(f"an embedding is one vector for a whole sequence, and a {type(self.head).__name__} head reads its steps")
        model = EmbeddedModel(self.encoder.build(seed), self.head, seed)
        if self.trained is not None:
            model.load(Path(self.trained))
        return model


class EmbeddedModel:
    """The running encoder and head. Only the head has parameters that count: it alone is trained, saved and copied."""

    context_length = ROOM

    def __init__(self, encoder: RunningEncoder, head: Head, seed: int):
        self.encoder, self.head = encoder, head
        self.tokenizer = encoder.tokenizer
        self.module = nn.ModuleDict({"head": head.build(encoder.width, seed)})

    @property
    def measures(self) -> Set[str]:
        return frozenset({self.head.measures})

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """The head's number for each sequence, [B]."""
        if self.head.measures not in names:
            return {}
        each = torch.arange(len(sequences))
        return {self.head.measures: self.head.read(self.module["head"], self.encoder.embed(sequences), each, each)}

    def score(self, prompts: Sequence[Any], completions: Sequence[Any], rows_at_once: int = 256) -> list[float]:
        """The head's number for each completion of a prompt; both plain text or both messages."""
        return scores_of(self, Encoder(self.tokenizer, self.context_length), prompts, completions, rows_at_once)

    def reference(self) -> "EmbeddedModel":
        """The model as it is now, frozen; the encoder, which does not change, is shared."""
        frozen = copy.copy(self)
        frozen.module = copy.deepcopy(self.module).requires_grad_(False)
        return frozen

    def save(self, folder: Path, merge: bool = True) -> None:
        """``head.safetensors``; with ``merge`` the encoder's own folder beside it, so that the folder stands alone."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.module["head"].state_dict(), folder / "head.safetensors")
        if merge:
            self.encoder.save(folder / "encoder")

    def load(self, folder: Path) -> None:
        """Take the head of a saved one.

        Raises:
            InputError: there is none, or it belongs to another encoder.
        """
        from safetensors.torch import load_file

        path = folder / "head.safetensors"
        if not path.is_file():
            raise InputError(f"trained: there is no {path}; give the folder that a run saved its model in")
        try:
            self.module["head"].load_state_dict(load_file(path))
        except RuntimeError as error:
            raise InputError(f"trained: the head in {path} was trained on another encoder or other views ({error})") from error
