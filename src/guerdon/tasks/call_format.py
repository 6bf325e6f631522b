"""Call format: which of the ways to write a call a model's chat template uses, found out by trying and not by the model's name.

A conversation in which an assistant calls a tool is written through the template, and each format of the room ``tasks.calls`` reads the turn; the one that reads the very call
back is the template's.
"""

from typing import Any

from guerdon.catalogue import parts_in, resolve
from guerdon.errors import InputError
from guerdon.feedback.text import opened_thinking
from guerdon.tasks._template import ChatTemplate
from guerdon.tasks.calls import CallFormat
from guerdon.tasks.spelled import typed

_ROOM = "tasks.calls"
_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks a word up.",
        "parameters": {
            "type": "object",
            "properties": {"word": {"type": "string", "description": "The word."}, "most": {"type": "integer", "description": "How many."}},
            "required": ["word"],
        },
    },
}
# nine letters and digits, as Mistral's templates ask for; the name within, where templates say it nowhere else
_IDS = ("abcdefghi", "functions.look_up:0")
_ARGUMENTS = {"word": 'tides,\nand "ebb" [1]', "most": 3}


def call_format(tokenizer: Any) -> CallFormat | None:
    """The format in which the tokenizer's chat template writes calls; None where it writes none, or one that no format of the room reads."""
    if not getattr(tokenizer, "chat_template", None):
        return None
    template = ChatTemplate(tokenizer)
    return next((part for part in (_tried(template, id_) for id_ in _IDS) if part is not None), None)


def _tried(template: ChatTemplate, id_: str) -> CallFormat | None:
    """The format that reads back a call with this id."""
    called = {"id": id_, "type": "function", "function": {"name": "look_up", "arguments": _ARGUMENTS}}
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": None, "tool_calls": [called]}]
    try:
        turn = template.turn(messages, 1, {"tools": [_TOOL]})
    except InputError:
        return None
    opened = opened_thinking(turn.before) is not None
    for name in parts_in(_ROOM):
        part = resolve(name, _ROOM)()
        found = typed(part.read(turn.words + turn.end, opened).calls, [_TOOL])
        if [(call.name, dict(call.arguments), call.error) for call in found] == [("look_up", _ARGUMENTS, "")]:
            return part
    return None
