"""Prompt and completion: the prompt is read, the completion is learned.

    {prompt, completion} -> one side; mask true on the completion's tokens, its end token included

Further columns that hold numbers become columns of the example.

Source: the prompt-completion type of TRL's dataset formats, whose names are the common ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.formats._columns import answer, column, numbers
from guerdon.data.formats._toy import codes, toy
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder, is_conversational, template_variables
from guerdon.tasks.messages import Message, is_learned
from guerdon.witness import Witness


@dataclass(frozen=True)
class PromptCompletion:
    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        side = encode.encode_pair(column(row, "prompt"), answer(row, "completion"), **template_variables(row))
        return Example({"": side}, numbers(row))

    def by_turn(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A row for each turn of the completion."""
        prompt, completion = column(row, "prompt"), column(row, "completion")
        return turns(row, prompt, completion) if is_conversational(prompt) and is_conversational(completion) else []


def turns(row: Mapping[str, Any], prompt: Sequence[Message], messages: Sequence[Message]) -> list[dict[str, Any]]:
    """A row for each learned turn of ``messages``, whose prompt is all that stands before it."""
    rest = {k: v for k, v in row.items() if k not in ("messages", "prompt", "completion")}
    return [
        {**rest, "prompt": [*prompt, *messages[:i]], "completion": [message]}
        for i, message in enumerate(messages)
        if is_learned(message, i)
    ]


_turns = {"prompt": [{"role": "user", "content": "2"}], "completion": [{"role": "assistant", "content": "4"}]}
witness = (
    Witness(
        PromptCompletion(),
        given={"row": {"prompt": "2+2=", "completion": "4", "weight": 0.5, "source": "school"}, "encode": toy()},
        returns=Example({"": Side(codes("2+2="), codes("4."), (True, True))}, {"weight": 0.5}),
    ),
    Witness(
        PromptCompletion(),
        given={"row": _turns, "encode": toy()},
        returns=Example({"": Side(codes("U2.A"), codes("4."), (True, True))}),
    ),
)
