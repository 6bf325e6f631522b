"""Prompt and completion: the prompt is read, the completion is learned.

    {prompt, completion} -> one side; mask true on the completion's tokens, its end token included

Further columns that hold numbers become columns of the example.

Source: the prompt-completion type of TRL's dataset formats, whose names are the common ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.data.formats._columns import column, numbers
from guerdon.data.formats._toy import codes, toy
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.witness import Witness


@dataclass(frozen=True)
class PromptCompletion:
    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        side = encode.encode_pair(column(row, "prompt"), column(row, "completion"), **template_variables(row))
        return Example({"": side}, numbers(row))


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
