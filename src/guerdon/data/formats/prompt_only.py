"""Prompt only: a context to act in; nothing is learned from the row itself.

    {prompt} -> one side without actions

Further columns that hold numbers become columns of the example; the others (``answer`` ...) go to the reward as they are.

Source: the prompt-only type of TRL's dataset formats.
Differs from PromptCompletion: there is no completion yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.data.formats._columns import column, numbers
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.prompt_completion import PromptCompletion
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.witness import Witness


@dataclass(frozen=True)
class PromptOnly:
    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        return Example({"": Side(encode.encode_prompt(column(row, "prompt"), **template_variables(row)), (), ())}, numbers(row))


witness = Witness(
    PromptOnly(),
    parent=PromptCompletion(),
    given={"row": {"prompt": [{"role": "user", "content": "2"}], "answer": "4"}, "encode": toy()},
    returns=Example({"": Side(codes("U2.A"), (), ())}),
)
