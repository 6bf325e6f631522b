"""Mistral list: behind one token all calls, as a list in JSON, as Mistral's models wrote it up to the seventh version of their tokenizer.

    [TOOL_CALLS] [{"name": "search", "arguments": {"query": "tides"}, "id": "abcdefghi"}]

The ``id`` is what the result refers to; a call needs none, and a result of one without it gets an id that its template takes. What follows the list is text;
a list of whole calls needs no bracket where the turn ends.

Source: the chat template of Mistral Small 3.1; mistral-common, ``tokens/tokenizers/instruct.py`` (``InstructTokenizerV3``, ``InstructTokenizerV7``).
Differs from Hermes: nothing but the list's own bracket ends it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._ids import with_ids
from guerdon.tasks.calls._json import read_call, written
from guerdon.tasks.calls._scanning import scanned
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_TOKEN = "[TOOL_CALLS]"
_BEGIN = re.compile(r"\s*\[\s*")
_NEXT = re.compile(r"\s*([,\]])\s*")
_FORM = f'write {_TOKEN} [{{"name": "...", "arguments": {{...}}}}]'


@dataclass(frozen=True)
class MistralList:
    def read(self, text: str, opened: bool = False) -> Found:
        return scanned(text, opened, re.escape(_TOKEN), _taken)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return f"{_TOKEN} [{', '.join(map(_written, calls))}]"

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return with_ids(results)


def _taken(text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
    def wrong(error: str) -> Call:
        return Call("", error=error, start=opening.start(), end=len(text))

    begin = _BEGIN.match(text, opening.end())
    if begin is None:
        return [wrong(f"behind {_TOKEN} stands no list of calls; {_FORM}")], len(text)
    calls, at = [], begin.end()
    while True:
        call, end = read_call(text, at, ("arguments",), ("id",))
        calls.append(replace(call, start=at if calls else opening.start(), end=len(text) if end is None else end))
        follows = None if end is None else _NEXT.match(text, end)
        if follows is None:
            open_ = end is not None and text[end:].strip()
            return [*calls, *([wrong(f"the list of calls is not closed; {_FORM}")] if open_ else [])], len(text)
        if follows[1] == "]":
            return calls, follows.end(1)
        at = follows.end()


def _written(call: Call) -> str:
    own = f', "id": {written(call.id)}' if call.id else ""
    return f'{{"name": {written(call.name)}, "arguments": {written(dict(call.arguments))}{own}}}'


witness = Witness(
    MistralList(),
    parent=Hermes(),
    given={"text": '[TOOL_CALLS] [{"name": "f", "arguments": {"x": 1}, "id": "abcdefghi"}, {"name": "g"}] Done.'},
    returns=Found("Done.", (Call("f", {"x": 1}, start=0, end=69, id="abcdefghi"), Call("g", start=71, end=84))),
)
