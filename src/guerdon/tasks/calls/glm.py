"""GLM: the name of a tool and then keys and values between tags, as GLM 4.5 and what came after it write it.

    <tool_call>search
    <arg_key>query</arg_key>
    <arg_value>tides</arg_value>
    </tool_call>

Texts stand as they are, every other value as JSON, and nothing tells the one from the other but the tool's schema: so arguments are read as texts (``Call.spelled``), which
``tasks.spelled`` takes for what the tool wants. Blanks and line breaks between the tags say nothing, those within them are the text's. A text cannot
hold ``</arg_value>``, nor the call's end.

Source: the chat templates of GLM 4.5 and 4.6, and vLLM's parser of them, which strips values where here they stay.
Differs from QwenCoder: the tags, and no line break belongs to them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._scanning import scanned
from guerdon.tasks.calls._spelling import as_text, sayable, spelled, until
from guerdon.tasks.calls.qwen_coder import QwenCoder
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_OPENING, _CLOSING = "<tool_call>", "</tool_call>"
_NAME = re.compile(r"\s*([^<\n]*)")
_BEGIN = re.compile(r"\s*<arg_key>([^<]*)</arg_key>\s*<arg_value>")
_VALUE = re.compile(rf"((?:(?!{_CLOSING}).)*?)</arg_value>", re.DOTALL)
_END = re.compile(rf"\s*{_CLOSING}")
_FORM = f"write {_OPENING}name<arg_key>key</arg_key><arg_value>value</arg_value>{_CLOSING}"


@dataclass(frozen=True)
class GLM:
    def read(self, text: str, opened: bool = False) -> Found:
        return scanned(text, opened, _OPENING, _taken)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return "\n".join(map(_written, calls))

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


def _taken(text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
    name = _NAME.match(text, opening.end())
    call, end = spelled(name[1], text, name.end(), _BEGIN, _VALUE, _END, _FORM)
    if end is None:
        return until(call, text, opening.start(), name.end(), _CLOSING)
    return [replace(call, start=opening.start(), end=end)], end


def _written(call: Call) -> str:
    sayable(call, re.compile(r"[<\n]"), ("</arg_value>", _CLOSING))
    pairs = [f"<arg_key>{name}</arg_key>\n<arg_value>{as_text(value)}</arg_value>\n" for name, value in call.arguments.items()]
    return f"{_OPENING}{call.name}\n{''.join(pairs)}{_CLOSING}"


_said = "<tool_call>f\n<arg_key>x</arg_key>\n<arg_value> 1\n</arg_value>\n</tool_call>"
witness = Witness(
    GLM(), parent=QwenCoder(), given={"text": _said}, returns=Found("", (Call("f", {"x": " 1\n"}, start=0, end=len(_said), spelled=True),))
)
