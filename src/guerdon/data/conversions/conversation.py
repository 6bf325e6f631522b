"""Conversation: a prompt and its completion as the messages of one conversation.

    {prompt, completion} -> {messages: [...prompt, ...completion]}       a string is one turn: the user's, and the assistant's

Left out: rows in which either is missing.

Source: the language-modelling type of TRL's dataset formats, which a prompt-completion row becomes when its sides are put together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, as_messages, each, needed, without
from guerdon.witness import Witness


@dataclass(frozen=True)
class Conversation:
    reads: ClassVar[str] = "prompt_completion"
    gives: ClassVar[str] = "messages"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _messages)


def _messages(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    asked, said = as_messages(needed(row, "prompt"), "user"), as_messages(needed(row, "completion"), "assistant")
    yield {"messages": [*asked, *said], **without(row, "prompt", "completion")}


_turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
witness = Witness(
    Conversation(),
    given={
        "rows": [
            {"prompt": "a", "completion": "b", "n": 1},
            {"prompt": _turns[:1], "completion": _turns[1:]},
            {"prompt": "a", "completion": None},
        ]
    },
    returns={"rows": [{"messages": _turns, "n": 1}, {"messages": _turns}], "left_out": {"nothing in column 'completion'": 1}},
)
