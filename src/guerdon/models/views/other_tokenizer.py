"""Other tokenizer: a teacher that splits text otherwise than the policy does, asked wherever the two have read the same text.

    policy    |The| qu|ick| fox|<end>            its steps
    teacher   |The| quick| fo|x|<end>            its own tokens of the same text
    compared   *    *         *    *             where both begin a token, and where both have read everything

What an answer says is written out and read again with the teacher's tokenizer, behind the row's prompt as the teacher's own chat template
writes it. At the marked places the two have the same text behind them, so that their next-step distributions are of the same thing, though
not of the same steps; at the others nothing is said. They have no names in common, so only what needs none can be asked: ``sorted_gap``.

Source: the places at which tokens of both end together are those of TRL 1.16's GOLD (``use_extended_uld``); what lies between them, which
it multiplies into the distribution at the first of a span's tokens ("observed"), is left out here, so that what is compared are
distributions. Where both have one token the two are the same.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.models.language.tiles import NextSteps
from guerdon.models.views.in_context import Told
from guerdon.sequences import Sequences, pad
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.messages import template_variables
from guerdon.tasks.rows import at_row


@dataclass(frozen=True)
class OtherTokenizer:
    """``teacher``: the specification of a model."""

    teacher: Any

    def bind(self, name: str, policy: Model, encoder: Any, rows: Iterable[Mapping[str, Any]], build: Callable[[Any], Model]) -> Model:
        """The teacher behind its own encoding of the rows' prompts.

        Raises:
            InputError: the policy or the teacher reads no text, the teacher's tokenizer cannot say where its tokens lie, or a prompt does not fit.
        """
        teacher = build(self.teacher)
        tokenizer = getattr(teacher, "tokenizer", None)
        if encoder is None or tokenizer is None or not hasattr(teacher, "next_steps"):
            raise InputError(f"views.{name}: texts are compared, and one of the two is no language model; give a language model as teacher")
        if not getattr(tokenizer, "is_fast", False):
            raise InputError(
                f"views.{name}.teacher: its tokenizer does not say where in a text its tokens lie; save it as a fast one (tokenizer.json)"
            )
        own, told = Encoder(tokenizer, teacher.context_length), Told(name)
        for place, row in enumerate(rows):
            with at_row(place, f"those that views.{name} is told of"):
                told.add(
                    encoder.encode_prompt(row["prompt"], **template_variables(row)),
                    own.encode_prompt(row["prompt"], **template_variables(row)),
                )
        return Respelled(name, teacher, encoder.tokenizer, told)


@dataclass
class Respelled:
    """A teacher that reads the policy's answers in its own tokens."""

    name: str
    teacher: Any
    tokenizer: Any  # the policy's
    told: Told
    measures: Set[str] = field(default=frozenset(), init=False)
    compares: Set[str] = field(default=frozenset({"sorted_gap"}), init=False)

    @property
    def module(self) -> nn.Module:
        return self.teacher.module

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        raise InputError(
            f"views.{self.name} has another tokenizer, so it cannot say {', '.join(sorted(names))} of the policy's steps; only sorted_gap can be asked of it"
        )

    def save(self, folder: Path, merge: bool = True) -> None:
        self.teacher.save(folder, merge)

    @torch.no_grad()
    def next_steps(self, sequences: Sequences) -> NextSteps:
        """The teacher's next-step distributions at the policy's acted steps; no numbers where the two have not read the same text."""
        answers, masks, shared = [], [], []
        for row, length in enumerate(sequences.length.tolist()):
            text, begins = self._mine(sequences.actions[row, :length].tolist())
            tokens, places = self._theirs(text)
            unasked = {place: step for step, place in enumerate(places) if place >= 0}
            acted = sequences.mask[row, :length].tolist()
            found = [unasked.pop(place, -1) if here else -1 for place, here in zip(begins, acted, strict=True)]
            answers.append(tokens)
            masks.append([step in set(found) for step in range(len(tokens))])
            shared += [there >= 0 for there, here in zip(found, acted, strict=True) if here]
        contexts = [self.told(context) for context in sequences.contexts]
        asked = Sequences(
            contexts,
            sequences.context,
            pad(answers, torch.long),
            pad(masks, torch.bool),
            torch.tensor([len(a) for a in answers]),
            temperature=sequences.temperature,
        )
        if int(asked.tokens.max()) > self.teacher.context_length:
            raise InputError(
                f"views.{self.name}: an answer has {int(asked.tokens.max())} tokens with its prompt there, and the teacher has room for {self.teacher.context_length}; lower "
                "decoding.max_completion_length"
            )
        steps = self.teacher.next_steps(asked)
        states = steps.states.new_zeros(len(shared), steps.states.shape[-1] + 1)  # the last says whether there is anything
        where = torch.tensor(shared, dtype=torch.bool, device=states.device)
        states[where, :-1] = steps.states
        states[where, -1] = 1

        def read(rows: Tensor) -> Tensor:
            logits = steps.read(rows[:, :-1].contiguous())
            return torch.where(rows[:, -1:] > 0, logits, torch.full_like(logits, torch.nan))

        return NextSteps(states, read)

    def _mine(self, ids: list[int]) -> tuple[str, list[int]]:
        """What the policy's steps say, and where in it each begins, in characters; -1 within a character. Special tokens say nothing."""
        written = [
            self.tokenizer.decode(ids[:n], skip_special_tokens=True, clean_up_tokenization_spaces=False) for n in range(len(ids) + 1)
        ]
        whole = written[-1]
        return whole, [len(begun) if whole.startswith(begun) else -1 for begun in written[:-1]]

    def _theirs(self, text: str) -> tuple[list[int], list[int]]:
        """The teacher's tokens of a text, with its end, and where each begins; -1 within a character."""
        try:
            found = self.teacher.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        except Exception as error:  # whatever a tokenizer may do that has no token for everything
            raise InputError(
                f"views.{self.name}: the teacher's tokenizer cannot write what the policy said, {text!r} ({error}); give another teacher"
            ) from error
        ends = [0, *(end for _, end in found["offset_mapping"])]
        begins = [start if start >= before else -1 for (start, _), before in zip(found["offset_mapping"], ends, strict=False)]
        return [*found["input_ids"], int(self.teacher.ends[0])], [*begins, len(text)]
