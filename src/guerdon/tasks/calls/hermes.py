"""Hermes: a call is JSON between tags, as Hermes, Qwen 2.5, Qwen 3 and what was trained like them write it.

    <tool_call>
    {"name": "search", "arguments": {"query": "tides"}}
    </tool_call>

Several calls stand one after another, words before them, and between them. What the JSON says in its strings ends nothing, ``</tool_call>`` neither. A call at the very end that
was not closed is one if its JSON is whole, as servers read it (vLLM's parser of the same name does); what is no JSON ends at the next closing tag, or with the turn. A key that
occurs twice, NaN, and keys beside ``name`` and ``arguments`` are refused; no ``arguments`` are none.

Source: Hermes function calling, https://github.com/NousResearch/Hermes-Function-Calling; the chat template of Qwen 2.5. The strictness is ours.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._json import read_call, written
from guerdon.tasks.calls._scanning import scanned
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_OPENING = re.escape("<tool_call>")
_CLOSING = re.compile(r"\s*</tool_call>")


@dataclass(frozen=True)
class Hermes:
    def read(self, text: str, opened: bool = False) -> Found:
        return scanned(text, opened, _OPENING, _taken)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return "\n".join(
            f'<tool_call>\n{{"name": {written(c.name)}, "arguments": {written(dict(c.arguments))}}}\n</tool_call>' for c in calls
        )

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


def _taken(text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
    call, end = read_call(text, opening.end(), ("arguments",))
    closed = _CLOSING.match(text, end) if end is not None else _CLOSING.search(text, opening.end())
    if closed is None and (end is None or text[end:].strip()):
        end = len(text) if end is None else end
        call = replace(call, error=call.error or "the call is not closed; write </tool_call> behind its JSON")
    else:
        end = len(text) if closed is None else closed.end()
    return [replace(call, start=opening.start(), end=end)], end


witness = (
    Witness(
        Hermes(),
        given={"text": 'So.\n<tool_call>\n{"name": "f", "arguments": {"x": "</tool_call>"}}\n</tool_call>'},
        returns=Found("So.", (Call("f", {"x": "</tool_call>"}, start=4, end=78),)),
    ),
    Witness(
        Hermes(),
        given={"text": '<think><tool_call>{"name": "f"}</tool_call></think>No.'},
        returns=Found('<think><tool_call>{"name": "f"}</tool_call></think>No.'),
    ),
)
