"""Harmony: a turn is several messages, and one that has a recipient is a call, as gpt-oss writes it.

    <|channel|>analysis<|message|>I have to look.<|end|><|start|>assistant<|channel|>commentary to=functions.search <|constrain|>json<|message|>{"query": "tides"}<|call|>

The recipient stands in the header of a message, before ``<|message|>``, behind the role or behind the channel; a tool's name is what follows ``functions.`` in it. What has no
recipient is said, thoughts in the channel ``analysis`` among it, and is no call whatever it says. The message begins behind ``<|start|>assistant``, which the prompt ends with.
``<|call|>`` ends the turn; arguments that are whole are a call without it.

Source: OpenAI's description of the format, github.com/openai/harmony, ``docs/format.md``, and the chat template of gpt-oss. What they leave open: tools that take no JSON (the
recipient ``python``), which are told that JSON is read.
Differs from Hermes: messages, and no tags in a text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.errors import InputError
from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._json import read_arguments, written
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_START = "<|start|>assistant"
_HEAD = re.compile(r"(?:(?!<\|(?:start|message|end|call|return)\|>).)*", re.DOTALL)
_RECIPIENT = re.compile(r"\bto=([^\s<]*)")
_CONTENT = re.compile(r"(?:(?!<\|(?:start|end|call|return)\|>).)*", re.DOTALL)
_END = re.compile(r"\s*<\|(?:end|call|return)\|>")
_TOOLS = "functions."
_FORM = f"write <|channel|>commentary to={_TOOLS}name <|constrain|>json<|message|>{{...}}<|call|>"


@dataclass(frozen=True)
class Harmony:
    def read(self, text: str, opened: bool = False) -> Found:
        calls: list[Call] = []
        said: list[str] = []
        at = 0
        while at < len(text):
            call, end = _message(text, at)
            calls += [] if call is None else [call]
            said += [text[at:end]] if call is None else []
            at = end
        return Found("".join(said).strip() if calls else text, tuple(calls))

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return _START.join(map(_written, calls))

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


def _message(text: str, at: int) -> tuple[Call | None, int]:
    """The call that the message from ``at`` on is, if it is one, and where the message ends."""
    begin = at + len(_START) if text.startswith(_START, at) else at
    header = _HEAD.match(text, begin)
    begun = text.startswith("<|message|>", header.end())
    recipient = _RECIPIENT.search(header.group()) if begun or "<|channel|>" in header.group() else None
    content = header.end() + len("<|message|>") * begun
    end = _CONTENT.match(text, content).end()
    if recipient is None or not begun:
        closed = _END.match(text, end)
        end = max(closed.end() if closed else end, at + 1)
        return (None if recipient is None else Call("", error=f"the call has no arguments; {_FORM}", start=at, end=end)), end
    call, whole = read_arguments(recipient[1].removeprefix(_TOOLS), text, content, _FORM)
    if whole is not None:
        closed = _END.match(text, whole)
        if closed is None and text[whole:].strip() and not text.startswith("<|start|>", whole):
            end = _CONTENT.match(text, whole).end()
            call = replace(call, arguments={}, error=call.error or f"the call is not closed; {_FORM}")
        else:
            end = whole
    closed = _END.match(text, end)
    end = closed.end() if closed else end
    return replace(call, start=at, end=end), end


def _written(call: Call) -> str:
    if not call.name or re.search(r"[\s<]", call.name):
        raise InputError(f"a call of Harmony's form cannot say the name {call.name!r}: write one without blanks and <")
    return f" to={_TOOLS}{call.name}<|channel|>commentary json<|message|>{written(dict(call.arguments))}<|call|>"


_said = "<|channel|>analysis<|message|>A call to=functions.g.<|end|>"
_called = '<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"x": "<|call|>"}<|call|>'
witness = Witness(
    Harmony(),
    parent=Hermes(),
    given={"text": _said + _called},
    returns=Found(_said, (Call("f", {"x": "<|call|>"}, start=len(_said), end=len(_said + _called)),)),
)
