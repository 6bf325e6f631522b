"""Mistral: the name of a tool behind a token, and its arguments as JSON behind another, as Mistral's models write it since the eleventh version of their tokenizer.

    [TOOL_CALLS]search[ARGS]{"query": "tides"}[TOOL_CALLS]now[ARGS]{}

Some write ``[CALL_ID]`` and an id before the arguments, to which the result refers, and some no ``[ARGS]``: both are read. What follows the arguments is text. A result needs an
id of nine letters and digits under most templates: one is made where the call has none.

Source: mistral-common, ``tokens/tokenizers/instruct.py`` (``InstructTokenizerV11``, ``InstructTokenizerV13``). That the arguments may stand without ``[ARGS]`` is as servers
read it.
Differs from MistralList: a token for each call, and the name outside of the JSON.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.errors import InputError
from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._ids import with_ids
from guerdon.tasks.calls._json import read_arguments, written
from guerdon.tasks.calls._scanning import scanned
from guerdon.tasks.calls.mistral_list import MistralList
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_TOKEN = "[TOOL_CALLS]"
_HEAD = re.compile(r"\s*([^\s\[\]{}]*)\s*(?:\[CALL_ID\]([^\[\]{}]*))?(?:\[ARGS\])?")
_FORM = f"write {_TOKEN}name[ARGS]{{...}}"


@dataclass(frozen=True)
class Mistral:
    def read(self, text: str, opened: bool = False) -> Found:
        return scanned(text, opened, re.escape(_TOKEN), _taken)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return "".join(map(_written, calls))

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return with_ids(results)


def _taken(text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
    head = _HEAD.match(text, opening.end())
    call, end = read_arguments(head[1], text, head.end(), _FORM)
    if end is None:
        end = len(text) if (next_ := text.find(_TOKEN, head.end())) < 0 else next_
    return [replace(call, start=opening.start(), end=end, id=(head[2] or "").strip())], end


def _written(call: Call) -> str:
    if not call.name or re.search(r"[\s\[\]{}]", call.name):
        raise InputError(f"a call of Mistral's form cannot say the name {call.name!r}: write one without blanks and brackets")
    return f"{_TOKEN}{call.name}{f'[CALL_ID]{call.id}' if call.id else ''}[ARGS]{written(dict(call.arguments))}"


witness = Witness(
    Mistral(),
    parent=MistralList(),
    given={"text": 'So.[TOOL_CALLS]f[ARGS]{"x": "[TOOL_CALLS]"}[TOOL_CALLS]g[CALL_ID]abc[ARGS]{}'},
    returns=Found("So.", (Call("f", {"x": "[TOOL_CALLS]"}, start=3, end=43), Call("g", start=43, end=76, id="abc"))),
)
