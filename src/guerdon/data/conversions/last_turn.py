"""Last turn: what the assistant said last is the completion, everything before it the prompt.

    {messages} -> {prompt: messages before, completion: [the last assistant turn]}       ``every``: a row for each assistant turn

Turns after the last of the assistant's belong to neither. Left out: conversations in which the assistant says nothing, or speaks first.

Source: ours. Off: one row a conversation. A conversation whose every assistant turn is to be learned need not be converted (``data.formats.language_modelling``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each, needed, without
from guerdon.data.conversions.conversation import Conversation
from guerdon.witness import Witness


@dataclass(frozen=True)
class LastTurn:
    reads: ClassVar[str] = "messages"
    gives: ClassVar[str] = "prompt_completion"
    every: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._turns)

    def _turns(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        messages = needed(row, "messages")
        said = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        if not said:
            raise LeftOut("the assistant says nothing")
        answers = [i for i in said if i]
        if not answers:
            raise LeftOut("nothing stands before what the assistant says")
        for i in answers if self.every else answers[-1:]:
            yield {"prompt": list(messages[:i]), "completion": [messages[i]], **without(row, "messages")}


_a, _b, _c, _d = ({"role": ("user", "assistant")[i % 2], "content": c} for i, c in enumerate("abcd"))
_rows = [{"messages": [_a, _b, _c, _d, _a], "n": 1}, {"messages": [_a]}, {"messages": [_b]}]
_left_out = {"the assistant says nothing": 1, "nothing stands before what the assistant says": 1}
_last = {"prompt": [_a, _b, _c], "completion": [_d], "n": 1}
witness = (
    Witness(LastTurn(), parent=Conversation(), given={"rows": _rows}, returns={"rows": [_last], "left_out": _left_out}),
    Witness(
        LastTurn(every=True),
        parent=LastTurn(),
        given={"rows": _rows},
        returns={"rows": [{"prompt": [_a], "completion": [_b], "n": 1}, _last], "left_out": _left_out},
    ),
)
