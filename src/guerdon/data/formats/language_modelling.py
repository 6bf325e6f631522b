"""Language modelling: a text of which everything is learned, or a conversation of which the assistant's turns are.

    {text}      -> one side; context is the start token (without one: the text's first token), mask true on all the rest
    {messages}  -> one side; context is what stands before the first assistant turn, mask true on every assistant turn with its end token

Source: the language-modelling type of TRL's dataset formats; for messages TRL's ``assistant_only_loss``.
Differs from PromptCompletion: no column says where to begin, the roles do; several turns of one row are learned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.data.formats._columns import column, numbers
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.prompt_completion import PromptCompletion, turns
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.tasks.messages import read_messages
from guerdon.witness import Witness


@dataclass(frozen=True)
class LanguageModelling:
    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        if "messages" in row:
            return Example({"": encode.encode_messages(column(row, "messages"), **template_variables(row))}, numbers(row))
        return Example({"": encode.encode_text(column(row, "text"))}, numbers(row))

    def by_turn(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A row for each of the assistant's turns."""
        return turns(row, [], read_messages(column(row, "messages")))


_talk = [{"role": r, "content": c} for r, c in (("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))]
witness = (
    Witness(
        LanguageModelling(),
        parent=PromptCompletion(),
        given={"row": {"text": "abc"}, "encode": toy()},
        returns=Example({"": Side(codes("a"), codes("bc."), (True, True, True))}),
    ),
    Witness(
        LanguageModelling(),
        parent=PromptCompletion(),
        given={"row": {"messages": _talk}, "encode": toy()},
        returns=Example({"": Side(codes("Ua.A"), codes("b.Uc.Ad."), (True, True, False, False, False, False, True, True))}),
    ),
)
