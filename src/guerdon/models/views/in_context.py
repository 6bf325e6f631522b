"""In context: the policy itself as a teacher, told more than the policy is: an answer, a hint, what somebody said of an earlier attempt.

    what q(step | prompt of the row with ``template`` filled in, steps so far) says of the policy's own steps

``template`` is what is asked instead: ``{prompt}`` is the text of the row's prompt (of a conversation, that of its last message, which the template replaces; those
before it stay), any other name a column of the row.

``policy``: "start" is the policy as the run begins, frozen; "now" is the policy as it is, without gradients, so that the teacher learns along. In between lies a moving
average of the policy: ``updates: [{part: moving_average, into: teacher, decay: 0.95}]`` with "start".

Each prompt has one other prompt: two rows that ask the same and tell the teacher different things are refused.

Source: SDFT, arXiv 2601.19897 (the teacher sees a demonstration), OPSD, arXiv 2601.18734 (the solution), SDPO, arXiv 2601.20802 (feedback); the template is that of
TRL 1.16's ``SDFTConfig.teacher_prompt_template``, whose ``{privileged_context}`` is a column here.
"""

import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.models.prompted import Prompted
from guerdon.tasks.filling import asked, reworded
from guerdon.tasks.messages import template_variables
from guerdon.tasks.rows import at_row

PROMPT = "prompt"


@dataclass(frozen=True)
class InContext:
    template: str
    policy: Literal["start", "now"] = "start"

    def bind(self, name: str, policy: Model, encoder: Any, rows: Iterable[Mapping[str, Any]], build: Callable[[Any], Model]) -> Model:
        """The policy behind the contexts that the template makes of the rows.

        Raises:
            InputError: the template names no column, or one that a row lacks; two rows have the same prompt and other columns; or the policy reads no text.
        """
        if encoder is None:
            raise InputError(
                f"views.{name}: a {type(policy).__name__} reads no text, so there is nothing that it could be told; give a model"
            )
        told = Told(name)
        for place, row in enumerate(rows):
            with at_row(place, f"those that views.{name} is told of"):
                asked = encoder.encode_prompt(row[PROMPT], **template_variables(row))
                told.add(asked, encoder.encode_prompt(self.asked(name, row), **template_variables(row)))
        return Prompted(policy if self.policy == "now" else policy.reference(), told)

    def asked(self, name: str, row: Mapping[str, Any]) -> Any:
        """The prompt that stands in the place of the row's."""
        text = asked(row[PROMPT])
        try:
            columns = {key for _, key, _, _ in string.Formatter().parse(self.template) if key is not None}
        except ValueError as error:
            raise InputError(f"views.{name}.template: {error}; a brace that is meant as one is doubled") from error
        if not columns - {PROMPT}:
            raise InputError(
                f"views.{name}.template: it tells nothing that the prompt does not say; name a column of the rows in braces ({', '.join(map(str, row))})"
            )
        lacking = sorted(columns - {PROMPT} - {key for key, value in row.items() if value is not None})
        if lacking:
            raise InputError(
                f"views.{name}.template: it tells the column {lacking[0]!r}, and a row has none (columns: {', '.join(map(str, row))})"
            )
        return reworded(row[PROMPT], self.template.format(**{**row, PROMPT: text}))


@dataclass
class Told:
    """A context → the one that is asked instead."""

    name: str
    instead: dict[bytes, Tensor] = field(default_factory=dict)

    def add(self, context: Iterable[int], other: Iterable[int]) -> None:
        key, value = _key(torch.tensor(list(context))), torch.tensor(list(other))
        if key in self.instead and not torch.equal(self.instead[key], value):
            raise InputError(
                f"views.{self.name}: two rows have the same prompt, and the teacher would be told different things of it; keep one of them, or let the prompts differ"
            )
        self.instead[key] = value

    def __call__(self, context: Tensor) -> Tensor:
        try:
            return self.instead[_key(context)]
        except KeyError:
            raise InputError(
                f"views.{self.name}: a prompt came up that is none of the task's rows, so nobody knows what its teacher is told"
            ) from None


def _key(context: Tensor) -> bytes:
    return context.to(torch.int64).numpy().tobytes()
