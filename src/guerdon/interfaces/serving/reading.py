"""Reading: what a request holds, or a sentence that names the field that holds something else."""

from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.messages import is_conversational

_ACTIVATION = ("use_activation", "activation", "softmax")


def has(asked: Mapping[str, Any], *names: str) -> bool:
    """Whether the request has all of the fields, with something in them."""
    return all(asked.get(name) is not None for name in names)


def need(asked: Mapping[str, Any], name: str) -> Any:
    """The field.

    Raises:
        InputError: it is missing.
    """
    if asked.get(name) is None:
        raise InputError(f"{name} is missing; the request has {', '.join(map(repr, asked)) or 'no fields'}")
    return asked[name]


def text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} is a text, and this one is {shown(value)}")
    return value


def said(value: Any, name: str) -> Any:
    """A text or messages."""
    if isinstance(value, str) or (isinstance(value, list) and value and is_conversational(value)):
        return value
    raise InputError(f"{name} is a text or a list of {{role, content}}, and this one is {shown(value)}")


def several(value: Any, name: str) -> list[Any]:
    """Texts or conversations: a list of them, or one."""
    one = isinstance(value, str | Mapping) or (isinstance(value, list) and value and is_conversational(value))
    return listed([value] if one else value, name)


def listed(value: Any, name: str) -> list[Any]:
    """A list with something in it."""
    if not isinstance(value, list):
        raise InputError(f"{name} is a list, and this one is {shown(value)}")
    if not value:
        raise InputError(f"{name} is an empty list, so there is nothing to score")
    return value


def as_many(value: Any, name: str, count: int, of: str) -> list[Any]:
    """A list with one value for each of ``count``; None where there is none."""
    if value is None:
        return [None] * count
    if len(listed(value, name)) != count:
        raise InputError(f"{name} has {len(value)} values for {count} {of}; give one for each")
    return value


def number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} is a number, and this one is {shown(value)}")
    return float(value)


def whole_number(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{name} is a whole number, and this one is {shown(value)}")
    return value


def document(value: Any, name: str) -> str:
    """A text, or one as rerankers take it: {"text": ...}."""
    return text(value.get("text"), f"{name}.text") if isinstance(value, Mapping) else text(value, name)


def flag(asked: Mapping[str, Any], name: str, otherwise: bool) -> bool:
    """A field that is true or false."""
    value = asked.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, bool):
        raise InputError(f"{name} is true or false, and this one is {shown(value)}")
    return value


def whole_only(asked: Mapping[str, Any]) -> None:
    """Refuse to cut what the request asks to be cut: that is a setting of the server."""
    if asked.get("truncate_prompt_tokens") is not None:
        raise InputError(
            "truncate_prompt_tokens is no field of this server, which cuts nothing unless it is started with --truncate prompt; leave it out"
        )


def activation(asked: Mapping[str, Any]) -> bool:
    """Whether a score is asked for as 1 / (1 + exp(-score)). Without a word it is the score itself."""
    flags = [flag(asked, name, False) for name in _ACTIVATION]  # all of them are looked at
    return any(flags)


def encoding_of_floats(asked: Mapping[str, Any]) -> None:
    """Refuse answers in another encoding than numbers."""
    if asked.get("encoding_format", "float") != "float":
        raise InputError(f"encoding_format is {shown(asked['encoding_format'])}, and numbers are written as numbers here: float")


def rows_of(columns: Mapping[str, Sequence[Any]], count: int) -> list[dict[str, Any]]:
    """Columns as rows, without what is null."""
    return [{name: values[i] for name, values in columns.items() if values[i] is not None} for i in range(count)]


def shown(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 60 else f"{words[:57]}..."
