"""Messages: what a row says of a conversation, put into the one form in which the chat template gets it.

* Null is "not there", at any depth: a table of structs (Arrow, Parquet, the hub) gives every call the arguments of every other one, empty.
* ``tools`` and ``chat_template_kwargs`` may be JSON text, as many tables store them, and so may the arguments of a call.
* A content in parts of text is their text. What a turn's author thought has one name in one template and another in the next: it is given under all.
* ``weight: 0`` (OpenAI, Mistral) and ``train: false`` (axolotl, also ``training`` and ``train_on_turn``) mark a turn that is read and not learned.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.errors import InputError

Message = Mapping[str, Any]

THOUGHTS = ("reasoning_content", "reasoning", "thinking")
TEMPLATE_COLUMNS = ("chat_template_kwargs", "tools")
MARKS = ("weight", "train", "training", "train_on_turn")


def is_conversational(text: Any) -> bool:
    """Whether a column holds messages (``[{role, content}, ...]``) rather than a string."""
    return not isinstance(text, str) and isinstance(text, Sequence) and all(isinstance(m, Mapping) and "role" in m for m in text)


def there(value: Any) -> Any:
    """A value without the keys, at any depth, that hold null. The items of lists stay, whatever they are."""
    if isinstance(value, Mapping):
        return {k: there(v) for k, v in value.items() if v is not None}
    return [there(v) for v in value] if isinstance(value, list | tuple) else value


def template_variables(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row tells the chat template besides its messages: the columns ``tools`` and ``chat_template_kwargs``, each as it is, as JSON text, or
    null for "nothing".

    Raises:
        InputError: one of them is neither; the sentence names the column.
    """
    more, tools = (_read(row.get(name), name) for name in TEMPLATE_COLUMNS)
    if not isinstance(more, Mapping | None):
        raise InputError(
            f"column 'chat_template_kwargs' holds {_shown(more)}; it must be names with values, such as {{'enable_thinking': false}}"
        )
    taken = sorted({"tokenize", "add_generation_prompt", "continue_final_message", "conversation"} & set(more or ()))
    if taken:
        raise InputError(f"column 'chat_template_kwargs' sets {taken[0]!r}, which the library sets itself; take it out")
    if tools is not None and (isinstance(tools, str | Mapping) or not isinstance(tools, Sequence)):
        raise InputError(f"column 'tools' holds {_shown(tools)}; it must be a list of descriptions of functions, as JSON schema")
    tools = [there(_read(tool, "tools")) for tool in tools or ()]
    wrong = next((tool for tool in tools if not isinstance(tool, Mapping) and not callable(tool)), None)
    if wrong is not None:
        raise InputError(
            f"column 'tools' holds {_shown(wrong)} among its tools; each is an object that describes a function, as JSON schema"
        )
    return {**there(more or {}), **({"tools": tools} if tools else {})}


def read_messages(value: Any, name: str = "messages") -> Any:
    """The messages of a column, which may be JSON text."""
    return _read(value, name) if isinstance(value, str) and value.lstrip()[:1] == "[" else value


def _read(value: Any, name: str) -> Any:
    """A value, or what it spells as JSON text; nothing where it is empty."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except json.JSONDecodeError as error:
        raise InputError(f"column {name!r} is a text that is not JSON ({error}); write it as JSON") from error


def told(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages as the chat template gets them.

    Raises:
        InputError: a message has nothing in it, or parts that are no text.
    """
    out = []
    for place, message in enumerate(messages):
        if not isinstance(message["role"], str):
            raise InputError(f"message {place} has the role {_shown(message['role'])}; write system, user, assistant or tool")
        own = {str(k): there(v) for k, v in message.items() if k not in MARKS and not _empty(v) and k != "content"}
        thought = next((own[name] for name in THOUGHTS if name in own), None)
        if thought is not None:
            own |= dict.fromkeys(THOUGHTS, thought)
        content = _content(message.get("content"), place)
        if content is None and not set(own) - {"role", "name", "tool_call_id", "id"}:
            raise InputError(f"message {place} ({message['role']}) has no content; fill it in, or take the message out")
        out.append({"role": message["role"], "content": content, **{k: v for k, v in own.items() if k != "role"}})
    return out


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | Mapping) and not value)


def _content(content: Any, place: int) -> Any:
    """Parts of text as one text; whatever else as it is."""
    if isinstance(content, str) or not isinstance(content, Sequence):
        return content
    texts = []
    for part in content:
        text = (
            part
            if isinstance(part, str)
            else part.get("text")
            if isinstance(part, Mapping) and part.get("type", "text") == "text"
            else None
        )
        if not isinstance(text, str):
            kind = repr(part["type"]) if isinstance(part, Mapping) and part.get("type") else _shown(part)
            raise InputError(f"message {place} holds a part of the kind {kind}, and a language model reads text; take the part out")
        texts.append(text)
    return texts[0] if len(texts) == 1 else "".join(texts)


def is_learned(message: Message, place: int) -> bool:
    """Whether an assistant's turn is learned: nothing marks it as one that is only read.

    Raises:
        InputError: a mark is neither 0 nor 1, or says that another's turn is learned.
    """
    marks = {name: message[name] for name in MARKS if message.get(name) is not None}
    for name, value in marks.items():
        if value not in (0, 1) or isinstance(value, str):
            raise InputError(
                f"message {place} has {name} {_shown(value)}, and a turn is learned (1) or only read (0); a weight of a whole row goes into a column"
            )
        if value and message["role"] != "assistant" and name != "weight":
            raise InputError(
                f"message {place} ({message['role']}) has {name} {value}, and only the assistant's turns can be learned; take it off"
            )
    return message["role"] == "assistant" and all(marks.values())


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
