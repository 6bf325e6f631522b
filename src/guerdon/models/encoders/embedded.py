"""A frozen encoder under a trained head: a reward model or an outcome scorer that is fitted in seconds.

    Embedded(SentenceEmbedding("..."), Scalar())       # measures ``score`` [B]

Source: ours; the head is that of InstructGPT, arXiv 2203.02155 (see ``models.heads.scalar``).
Differs from Headed: the body has no gradient, and each text goes through it once.
"""

import copy
import dataclasses
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
from guerdon.models.heads._personal import compared, copied, few_at_a_time, strangers
from guerdon.models.heads._reading import HEAD, columns_of, load_head, measured_by, readings
from guerdon.sequences import Example, Sequences, pad
from guerdon.tasks.encoding import Encoder

ENCODER = "encoder"  # the folder of the encoder, beside the head
ROOM = 2**30  # the encoder cuts what is too long itself, view by view


@dataclass(frozen=True)
class Embedded:
    """Specification: an encoder and a head that reads a whole sequence.

    Attributes:
        trained: the folder of a trained one, whose head is taken; None draws a fresh head.
        new_users: a trained head for people is to be adapted to so many others: they take the place of those that it was trained on, and all that is not
            their own is frozen.
    """

    encoder: Any
    head: Head
    trained: str | None = None
    new_users: int = 0

    def __post_init__(self) -> None:
        if self.new_users and self.trained is None:
            raise InputError("new_users: a head must have been trained on others before; name its folder in trained")

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
        return model.for_new_users(self.new_users) if self.new_users else model

    def saved_in(self, folder: Path, device: str = "auto") -> "Embedded":
        """The specification of the trained one that lies in ``folder``, with the encoder that was saved beside it; without one, that of before."""
        encoder = self.encoder
        if (folder / ENCODER).is_dir() and hasattr(encoder, "source"):
            encoder = dataclasses.replace(encoder, source=str(folder / ENCODER), device=device)
        return dataclasses.replace(self, encoder=encoder, trained=str(folder), new_users=0)


class EmbeddedModel:
    """The running encoder and head. Only the head has parameters that count: it alone is trained, saved and copied."""

    context_length = ROOM

    def __init__(self, encoder: RunningEncoder, head: Head, seed: int):
        self.encoder, self.head = encoder, head
        self.tokenizer = encoder.tokenizer
        self.module = nn.ModuleDict({"head": head.build(encoder.width, seed)})

    @property
    def measures(self) -> Set[str]:
        return measured_by(self.head)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that the head reads."""
        return columns_of(self.head)

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """What the head says of each sequence, [B] or [B, K]."""
        if not self.measures & names:
            return {}
        each = torch.arange(len(sequences))
        said = readings(
            self.head,
            self.module["head"],
            self.encoder.embed(sequences),
            each,
            each,
            sequences,
            context=lambda: self.encoder.embed(asked(sequences))[sequences.context],
        )
        return {name: value for name, value in said.items() if name in names}

    def score(self, prompts: Sequence[Any], completions: Sequence[Any], rows_at_once: int = 256, **columns: Sequence[float]) -> list[float]:
        """The head's number for each completion of a prompt; both plain text or both messages. ``columns`` that the head reads: ``user=[0, 0, 3]``."""
        return scores_of(self, Encoder(self.tokenizer, self.context_length), prompts, completions, rows_at_once, columns)

    def acquaint(self, examples: Sequence[Example]) -> None:
        """Let a head that asks for it know comparisons that its users have made."""
        if hasattr(self.head, "acquaint"):
            chosen, rejected, user = compared(examples)
            self.head.acquaint(self.module["head"], self.encoder.embed(chosen), self.encoder.embed(rejected), user)

    def conclude(self, examples: Sequence[Example]) -> None:
        """Let a head that asks for it know which rows it was fitted to."""
        if hasattr(self.head, "conclude"):
            rows = (tuple(self.encoder.embed(side) for side in sides) for sides in few_at_a_time(examples))
            self.head.conclude(self.module["head"], rows)

    def for_new_users(self, users: int) -> "EmbeddedModel":
        """The model for ``users`` people whom it has not seen, with all that is not their own frozen; the encoder is shared.

        Raises:
            InputError: the head knows no users.
        """
        model = copy.copy(self)
        model.head, head = strangers(self.head, self.module["head"], self.encoder.width, users)
        model.module = nn.ModuleDict({"head": head})
        return model

    def reference(self) -> "EmbeddedModel":
        """The model as it is now, frozen; the encoder, which does not change, is shared."""
        frozen = copy.copy(self)
        frozen.module = copied(self.module)
        return frozen

    def save(self, folder: Path, merge: bool = True) -> None:
        """``head.safetensors``; with ``merge`` the encoder's own folder beside it, so that the folder stands alone."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.module["head"].state_dict(), folder / HEAD)
        if merge:
            self.encoder.save(folder / ENCODER)

    def load(self, folder: Path) -> None:
        """Take the head of a saved one.

        Raises:
            InputError: there is none, or it belongs to another encoder.
        """
        load_head(self.module["head"], folder)


def asked(sequences: Sequences) -> Sequences:
    """What the sequences answer, each once, as answers to nothing: an encoder makes a vector of it."""
    length = torch.tensor([len(c) for c in sequences.contexts])
    actions = pad(sequences.contexts, torch.long)
    nothing = torch.zeros(0, dtype=torch.long)
    return Sequences([nothing], torch.zeros_like(length), actions, torch.arange(actions.shape[1]) < length.unsqueeze(-1), length)
