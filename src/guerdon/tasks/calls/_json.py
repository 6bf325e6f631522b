"""JSON of calls: an object with a name and arguments, read where it stands in a text, and written."""

import json
import re
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.calls import Call

_BLANK = re.compile(r"\s*")
_CUT = re.compile(
    r"\s*(?:t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?|-|\.|[eE][+-]?|u[0-9a-fA-F]{0,4})?\s*\Z"
)  # a word, a number or an escape of which the rest is missing


def read_call(text: str, at: int, names: tuple[str, ...], others: tuple[str, ...] = ()) -> tuple[Call, int | None]:
    """The call whose object begins at ``at``, and where the object ends; None where nobody can tell, because it is no JSON.

    Args:
        names: what the arguments may be called; the first is offered where they are called something else.
        others: further keys, which say nothing.
    """
    at = _BLANK.match(text, at).end()
    value, error, end = read_value(text, at)
    return (Call("", error=error, start=at), end) if error else (_call(value, names, others, at, end), end)


def read_value(text: str, at: int) -> tuple[Any, str, int | None]:
    """The JSON that begins at ``at``, and where it ends; or what is wrong with it, and None for its end, unless it was cut off: then it is all that is there."""
    try:
        value, end = _DECODER.raw_decode(text, at)
        return value, "", end
    except json.JSONDecodeError as error:
        cut = _CUT.match(text, error.pos) is not None or error.msg.startswith("Unterminated string")
        said = f"the JSON of the call ends too soon: {error.msg}" if cut else f"{error.msg}, at {text[error.pos :][:20]!r}"
        hint = '; write a line break in a string as \\n and a quote as \\"' if "control character" in error.msg else ""
        return None, f"the call is no JSON ({said}){hint}", len(text) if cut else None
    except (ValueError, RecursionError) as error:
        return None, f"the call is no JSON ({error if isinstance(error, ValueError) else 'it is nested too deeply'})", None


def read_arguments(name: str, text: str, at: int, form: str) -> tuple[Call, int | None]:
    """A call whose ``name`` stands before the object of its arguments, which begins at ``at``, and where that ends; None as above. ``form``: how such a call is written."""
    at = _BLANK.match(text, at).end()
    value, error, end = read_value(text, at)
    name = name.strip()
    if not name:
        error = f"the call names no tool; {form}"
    elif not error and type(value) is not dict:
        error = f"the arguments of a call are an object by name, not {_kind(value)}; {form}"
    elif not error:
        error = unsayable(value)
    return Call(name, {} if error else value, error, at, len(text) if end is None else end), end


def _call(value: Any, names: tuple[str, ...], others: tuple[str, ...], start: int, end: int) -> Call:
    form = f'write {{"name": "...", "{names[0]}": {{...}}}}'
    if type(value) is not dict:
        return Call("", error=f"a call is an object, not {_kind(value)}; {form}", start=start, end=end)
    name = value.get("name")
    if type(name) is not str or not name.strip():
        return Call("", error=f"the call names no tool; {form}", start=start, end=end)
    given = [key for key in names if key in value]
    unknown = [key for key in value if key not in ("name", *names, *others)]
    arguments = value[given[0]] if given else {}
    arguments = {} if arguments is None else arguments
    named = value["id"] if "id" in others and type(value.get("id")) is str else ""
    error = ""
    if unknown:
        error = f"a call has a name and {names[0]}, and this one has {unknown[0]!r} too; {form}"
    elif len(given) > 1:
        error = f"the call has its arguments twice, as {' and as '.join(given)}; {form}"
    elif type(arguments) is not dict:
        error = f"the {given[0]} of a call are an object by name, not {_kind(arguments)}; {form}"
    else:
        error = unsayable(arguments)
    return Call(name, arguments if not error else {}, error, start, end, id=named)


def written(value: Any, what: str = "the arguments of a call") -> str:
    """A value as JSON.

    Raises:
        InputError: JSON cannot say it.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{what} cannot be written as JSON: {error}") from error


def unsayable(arguments: Any) -> str:
    """Why arguments that were read cannot be written down again, in a sentence; empty where they can."""
    try:
        json.dumps(arguments, ensure_ascii=False).encode()
        return ""
    except UnicodeEncodeError:
        return "a string of the call holds half of a character (a lone surrogate); leave it out"
    except RecursionError:
        return "the arguments of the call are nested too deeply"


def _kind(value: Any) -> str:
    return {str: "a text", list: "a list", bool: "true or false", type(None): "null"}.get(
        type(value), "a number" if type(value) is not dict else "an object"
    )


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_once)
