"""Qwen coder: the name of a tool and then each parameter in a tag that names it, as Qwen3-Coder, Qwen 3.5 and Nemotron 3 write it.

    <tool_call>
    <function=search>
    <parameter=query>
    tides
    </parameter>
    </function>
    </tool_call>

Texts stand as they are, every other value as JSON (true, false and null in Python's words), and nothing tells the one from the other but the tool's schema: so arguments are read
as texts (``Call.spelled``), which ``tasks.spelled`` takes for what the tool wants. One line break behind a tag and one before the next belong to the tags. The inner tag alone
opens a call too, as servers read it. A text cannot hold ``</parameter>``, nor the end of the call or of its function.

Source: the chat templates of Qwen 3.5 and Nemotron 3; vLLM's parser ``qwen3_coder``. The strictness is ours.
Differs from Hermes: no JSON around the arguments, and no types.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._scanning import scanned
from guerdon.tasks.calls._spelling import as_text, sayable, spelled, until
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_OPENING, _CLOSING, _FUNCTION = "<tool_call>", "</tool_call>", "</function>"
_NAME = re.compile(r"\s*<function=([^>\n]*)>")
_BEGIN = re.compile(r"\s*<parameter=([^>\n]*)>\n?")
_VALUE = re.compile(rf"((?:(?!{_CLOSING}|{_FUNCTION}).)*?)\n?</parameter>", re.DOTALL)
_END = re.compile(rf"\s*{_FUNCTION}")
_CLOSED = re.compile(rf"\s*{_CLOSING}")
_FORM = f"write {_OPENING}<function=name><parameter=key>value</parameter>{_FUNCTION}{_CLOSING}"


@dataclass(frozen=True)
class QwenCoder:
    def read(self, text: str, opened: bool = False) -> Found:
        return scanned(text, opened, f"{_OPENING}|(?=<function=)", _taken)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return "\n".join(map(_written, calls))

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


def _taken(text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
    start, wrapped = opening.start(), bool(opening.group())
    closing = _CLOSING if wrapped else _FUNCTION
    name = _NAME.match(text, opening.end())
    if name is None:
        return until(Call("", error=f"the call names no tool; {_FORM}", spelled=True), text, start, opening.end(), closing)
    call, end = spelled(name[1], text, name.end(), _BEGIN, _VALUE, _END, _FORM)
    if end is None:
        return until(call, text, start, name.end(), closing)
    closed = _CLOSED.match(text, end)
    if wrapped and closed is None and text[end:].strip():
        return until(replace(call, arguments={}, error=call.error or f"the call is not closed; {_FORM}"), text, start, end, closing)
    end = end if closed is None or not wrapped else closed.end()
    return [replace(call, start=start, end=end)], end


def _written(call: Call) -> str:
    sayable(call, re.compile(r"[<>\n]"), ("</parameter>", _FUNCTION, _CLOSING))
    pairs = [f"<parameter={name}>\n{_text(value)}\n</parameter>\n" for name, value in call.arguments.items()]
    return f"{_OPENING}\n<function={call.name}>\n{''.join(pairs)}{_FUNCTION}\n{_CLOSING}"


def _text(value: Any) -> str:
    return str(value) if value is None or isinstance(value, bool) else as_text(value)


_said = "<tool_call>\n<function=f>\n<parameter=x>\n\n1 \n</parameter>\n</function>\n</tool_call>"
witness = (
    Witness(
        QwenCoder(),
        parent=Hermes(),
        given={"text": _said},
        returns=Found("", (Call("f", {"x": "\n1 "}, start=0, end=len(_said), spelled=True),)),
    ),
    Witness(
        QwenCoder(),
        parent=Hermes(),
        given={"text": "So. <function=f></function>"},
        returns=Found("So.", (Call("f", start=4, end=27, spelled=True),)),
    ),
)
