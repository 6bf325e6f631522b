"""Kimi: between tokens of its own the id of a call, which names the tool, a token, and the arguments as JSON, as Kimi K2 and what came after it write it.

    <|tool_calls_section_begin|><|tool_call_begin|>functions.search:0<|tool_call_argument_begin|>{"query": "tides"}<|tool_call_end|><|tool_calls_section_end|>

An id is the word ``functions``, the name, and how many calls there were before; results refer to it. The number, and the word, may be missing where a model writes. ``write`` knows
one turn and counts from its beginning.

Source: the chat templates of Kimi K2 Thinking and Kimi K2.5, and vLLM's parser of them.
Differs from DeepSeek: the tokens, and the id.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._between_tokens import Between
from guerdon.tasks.calls.deepseek import DeepSeek
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_BEGIN, _END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
_CALL, _CALLED, _THEN = "<|tool_call_begin|>", "<|tool_call_end|>", "<|tool_call_argument_begin|>"
_HEAD = re.compile(rf"\s*(?P<id>(?:functions\.)?(?P<name>[^\s<>|:]*)(?::\d+)?)\s*{re.escape(_THEN)}(?=\s*\{{|\s*\Z)")
_FORM = Between(_BEGIN, _END, _CALL, _CALLED, _HEAD, re.compile(""), f"write {_CALL}functions.name:0{_THEN}{{...}}{_CALLED}")


@dataclass(frozen=True)
class Kimi:
    def read(self, text: str, opened: bool = False) -> Found:
        return _FORM.read(text, opened)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        for call in calls:
            if re.search("[|:]", call.name):  # they end a name within an id
                raise InputError(f"a call of Kimi's form cannot say the name {call.name!r}: write one without colons and bars")
        return _FORM.write(calls, lambda place, name, arguments: f"functions.{name}:{place}{_THEN}{arguments}")

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


_said = f'{_BEGIN}{_CALL}functions.f:3{_THEN}{{"x": 1}}{_CALLED}{_END}'
witness = Witness(
    Kimi(),
    parent=DeepSeek(),
    given={"text": f"So.{_said}"},
    returns=Found("So.", (Call("f", {"x": 1}, start=3, end=3 + len(_said) - len(_END), id="functions.f:3"),)),
)
