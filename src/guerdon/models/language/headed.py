"""A language model's body under a head: a reward model (scalar head), one of steps (step head), or a critic (value head).

    Headed(LanguageModel("..."), Scalar())       # measures ``score`` [B]
    Headed(LanguageModel("..."), Step())         # measures ``step_score`` [B, T]
    Headed(LanguageModel("..."), Value())        # measures ``value`` [B, T]

Source: ours; see the heads for theirs.
"""

import copy
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models._scoring import scores_of, step_scores_of
from guerdon.models.heads import Head
from guerdon.models.heads._personal import compared, few_at_a_time, strangers
from guerdon.models.heads._reading import HEAD, columns_of, load_head, measured_by, readings
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.step import Step
from guerdon.models.language.forward import encode, scatter
from guerdon.models.language.loading import SCORER, STEP_SCORER
from guerdon.models.language.over_policy import OverPolicy
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.saving import merged, write
from guerdon.models.language.scoring import Scored, can_be_scorer, write_scorer, write_step_scorer
from guerdon.models.moving import brought, onto
from guerdon.sequences import Example, Sequences
from guerdon.tasks.encoding import Encoder

SAVED_AS = {Scalar: SCORER, Step: STEP_SCORER}  # heads of which others have a format


@dataclass(frozen=True)
class Headed:
    """Specification: a body (any language model's specification) and a head.

    Attributes:
        trained: the folder of a trained one, whose head is taken (the body of the same folder is a language model's ``source``); None draws a fresh head.
        new_users: a trained head for people is to be adapted to so many others: they take the place of those that it was trained on, and all that is not
            their own is frozen, the body too.
    """

    body: Any
    head: Head
    trained: str | None = None
    new_users: int = 0

    def __post_init__(self) -> None:
        if getattr(self.head, "remembers", False):
            raise InputError(
                f"a {type(self.head).__name__} head keeps embeddings of comparisons, and a body that is trained would move away from them; put it on a frozen "
                "encoder: {part: embedded, encoder: hidden_state, ...}"
            )
        if self.new_users and self.trained is None:
            raise InputError("new_users: a head must have been trained on others before; name its folder in trained")

    def build(self, seed: int = 0) -> "HeadedModel":
        """Build the body and draw the head, or load it.

        Raises:
            InputError: there is no trained head that fits, or no format to save the model in.
        """
        model = HeadedModel(self.body.build(seed), self.head, seed)
        if type(self.head) in SAVED_AS:
            can_be_scorer(model.policy.module, SAVED_AS[type(self.head)])
        if self.trained is not None:
            model.load(Path(self.trained))
        return model.for_new_users(self.new_users) if self.new_users else model


class HeadedModel(OverPolicy):
    """The running body and head."""

    def __init__(self, policy: LanguagePolicy, head: Head, seed: int):
        self.policy, self.head = policy, head
        self.scored = Scored()
        self.width = policy.module.config.get_text_config().hidden_size
        self.module = nn.ModuleDict({"body": policy.module, "head": head.build(self.width, seed).to(policy.device)})
        self.tokenizer, self.device = policy.tokenizer, policy.device

    @property
    def measures(self) -> Set[str]:
        return measured_by(self.head)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that the head reads."""
        return columns_of(self.head)

    @property
    def packed(self) -> bool:
        """Whether sequences are measured in one flat row, shared contexts once."""
        return not self.policy.unpacked_because

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """The head's quantities: [B], [B, K], or [B, T] and 0 where the policy did not act."""
        if not self.measures & names:
            return {}
        with self.policy.going(sequences, self.packed) as (packed, again):
            encoded = encode(self.policy.computing, sequences, self.device, packed, again)
        encoded = replace(encoded, hidden=self.policy.leaving(encoded.hidden))
        said = readings(
            self.head,
            self.module["head"],
            encoded.hidden,
            encoded.predicts,
            self.scored.places(sequences, encoded.last, encoded.asked),
            sequences,
            context=lambda: encoded.hidden.index_select(0, encoded.asked),
            taken=lambda: _taken(sequences, encoded.last),
        )
        return {name: scatter(out, sequences.mask) if self.head.per_step else brought(out) for name, out in said.items() if name in names}

    def score(self, prompts: Sequence[Any], completions: Sequence[Any], rows_at_once: int = 32, **columns: Sequence[float]) -> list[float]:
        """The head's number for each completion of a prompt; both plain text or both messages. ``columns`` that the head reads: ``user=[0, 0, 3]``."""
        encoder = Encoder(self.tokenizer, self.context_length, truncate="prompt", whole=self.scored.whole)
        return scores_of(self, encoder, prompts, completions, rows_at_once, columns)

    def step_scores(
        self, prompts: Sequence[Any], steps: Sequence[Sequence[str]], separator: str = "\n", rows_at_once: int = 32
    ) -> list[list[float]]:
        """Of each answer, given in steps, what a step head says of every step: how likely it is right, from 0 to 1. A step ends with the separator."""
        encoder = Encoder(self.tokenizer, self.context_length, truncate="prompt")
        return step_scores_of(self, encoder, prompts, [[step + separator for step in own] for own in steps], rows_at_once)

    @torch.no_grad()
    def acquaint(self, examples: Sequence[Example]) -> None:
        """Let a head that asks for it know comparisons that its users have made."""
        if hasattr(self.head, "acquaint"):
            *sides, user = compared(examples)
            chosen, rejected = (self._at_the_end(side) for side in sides)
            self.head.acquaint(self.module["head"], chosen, rejected, user.to(self.device))

    @torch.no_grad()
    def conclude(self, examples: Sequence[Example]) -> None:
        """Let a head that asks for it know which rows it was fitted to."""
        if hasattr(self.head, "conclude"):
            rows = (tuple(self._at_the_end(side) for side in sides) for sides in few_at_a_time(examples))
            self.head.conclude(self.module["head"], rows)

    def _at_the_end(self, sequences: Sequences, rows_at_once: int = 32) -> Tensor:
        """[N, D], the hidden state of each sequence's last token."""
        out = []
        for first in range(0, len(sequences), rows_at_once):
            some = sequences.select(torch.arange(first, min(first + rows_at_once, len(sequences))))
            encoded = encode(self.policy.computing, some, self.device, self.packed)
            out.append(encoded.hidden.index_select(0, encoded.last).float())
        return torch.cat(out)

    def for_new_users(self, users: int) -> "HeadedModel":
        """The model for ``users`` people whom it has not seen, with all that is not their own frozen.

        Raises:
            InputError: the head knows no users.
        """
        model = copy.deepcopy(self)
        model.module["body"].requires_grad_(False)
        model.head, head = strangers(self.head, self.module["head"], self.width, users)
        model.module["head"] = head
        return model

    def reference(self) -> "HeadedModel":
        """The model as it is now, frozen."""
        return copy.deepcopy(self)

    def save(self, folder: Path, merge: bool = True) -> None:
        """A scalar head: a sequence classifier of ``transformers`` that loads anywhere; a step head: a classifier of tokens. Others: the body's folder and
        ``head.safetensors``."""
        from safetensors.torch import save_file

        body = copy.deepcopy(self.policy.module)
        body = merged(body) if self.policy.adapted else body
        if isinstance(self.head, Scalar):
            write_scorer(body, self.module["head"], self.tokenizer, self.policy.ends, self.scored, folder)
        elif isinstance(self.head, Step):
            write_step_scorer(body, self.module["head"], self.tokenizer, folder)
        else:
            write(body, self.tokenizer, self.policy.ends, folder)
            save_file(self.module["head"].state_dict(), folder / HEAD)

    def load(self, folder: Path) -> None:
        """Take the head of a saved one.

        Raises:
            InputError: there is none, or it belongs to another body.
        """
        load_head(self.module["head"], folder)


def _taken(sequences: Sequences, last: Tensor) -> Tensor:
    """[S], the places of the acted steps, in the order of ``mask.nonzero()``; each side lies in one piece, at whose end is ``last``."""
    b, t = sequences.mask.nonzero(as_tuple=True)
    b, back = onto(last.device, b, sequences.length[b] - 1 - t)
    return last[b] - back
