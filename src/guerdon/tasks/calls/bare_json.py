"""Bare JSON: the whole turn is a call, as Llama 3.1 and 3.2 write it.

    {"name": "search", "parameters": {"query": "tides"}}
    <|python_tag|>{"name": "search", "parameters": {"query": "tides"}}

An object at the beginning of what is said is a call if its first key is ``name`` or ``type``; any other JSON is an answer. Behind the tag everything is a call: what cannot
be read is told so, programs too, for which there are tools. Several objects stand behind each other, with or without a semicolon; what follows them is text. ``arguments``
is read like ``parameters``, as servers do.

Source: the chat template of Llama 3.1, and vLLM's parser of it. What these leave open: whether JSON without a name is a call (no), and what follows one.
Differs from Hermes: nothing marks the end, and mostly nothing the beginning.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._json import read_call, written
from guerdon.tasks.calls._scanning import begins_speech, scanned
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_TAG = "<|python_tag|>"
_OBJECT = r'\{(?=\s*"(?:name|type)"\s*:)'
_OPENING = f"{re.escape(_TAG)}|{_OBJECT}"
_NEXT = re.compile(rf"\s*(?:;\s*(?=\{{)|(?={_OBJECT}))")


@dataclass(frozen=True)
class BareJSON:
    def read(self, text: str, opened: bool = False) -> Found:
        return scanned(text, opened, _OPENING, _taken)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return "; ".join(f'{{"name": {written(c.name)}, "parameters": {written(dict(c.arguments))}}}' for c in calls)

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


def _taken(text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
    tagged = opening.group() == _TAG
    if not tagged and not begins_speech(text, opening.start()):
        return [], opening.end()
    calls: list[Call] = []
    at = opening.end() if tagged else opening.start()
    while True:
        call, end = read_call(text, at, ("parameters", "arguments"), ("type",))
        calls.append(replace(call, start=at if calls else opening.start(), end=len(text) if end is None else end))
        follows = None if end is None else _NEXT.match(text, end)
        if follows is None:
            return calls, calls[-1].end
        at = follows.end()


witness = (
    Witness(
        BareJSON(),
        parent=Hermes(),
        given={"text": '{"name": "f", "parameters": {"x": 1}}; {"name": "g", "parameters": {}}'},
        returns=Found("", (Call("f", {"x": 1}, start=0, end=37), Call("g", start=39, end=70))),
    ),
    Witness(BareJSON(), given={"text": '{"age": 7}'}, returns=Found('{"age": 7}')),
)
