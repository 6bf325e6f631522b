"""Adapting: what somebody's class returns and asks for, as the room has it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.loading import load
from guerdon.tasks._awaiting import awaited
from guerdon.tasks.environments import Row, Told
from guerdon.tasks.messages import is_conversational

_FIELDS = {
    "text": "text",
    "observation": "text",
    "reward": "reward",
    "done": "done",
    "truncated": "truncated",
    "state": "state",
    "figures": "figures",
}
_SAYS = "return a text, (text, reward, done), a mapping with text, reward and done, or Told"


def made(given: Any, arguments: Mapping[str, Any], what: str = "environment") -> Any:
    """An object of a class, or what a function makes, given itself or by where it is ("file.py:Class").

    Raises:
        InputError: there is none, or it cannot be made of these arguments.
    """
    found = load(given, what) if isinstance(given, str) else given
    if not callable(found):
        raise InputError(f"the {what} {str(found)[:60]} is no class and no function that makes one; give the class, or 'file.py:Class'")
    try:
        inspect.signature(found).bind(**arguments)
    except TypeError as error:
        raise InputError(f"the {what} {named(found)} cannot be made of the arguments {dict(arguments)}: {error}") from error
    except ValueError:  # one that does not say its parameters
        pass
    return found(**arguments)


def named(found: Any) -> str:
    return getattr(found, "__name__", type(found).__name__)


def asked(function: Callable[..., Any], row: Row, seed: int, what: str) -> Any:
    """What a function returns, given what it asks for by name: the row, the seed, columns of the row.

    Raises:
        InputError: it asks for something else.
    """
    known = {**row, "row": row, "seed": seed}
    given: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            given = {**row, **given}
        elif parameter.kind is not parameter.VAR_POSITIONAL and parameter.name in known:
            given[parameter.name] = known[parameter.name]
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
            raise InputError(
                f"{what} asks for {parameter.name!r}, and the row has {', '.join(map(str, row)) or 'no column'}; rename it to a column, row or seed"
            )
    return awaited(function(**given))


def read(said: Any, what: str) -> Told:
    """What a step returned, as ``Told``.

    Raises:
        InputError: it is none of what it may be; the sentence says what it is.
    """
    if isinstance(said, Told):
        return said
    if isinstance(said, str) or (isinstance(said, Sequence) and said and is_conversational(said)):
        return Told(said)
    if isinstance(said, tuple) and len(said) in (2, 3):
        return _told(dict(zip(("text", "reward", "done"), said, strict=False)), what)
    if isinstance(said, tuple) and len(said) == 5:
        raise InputError(f"{what} returned five things, as Gymnasium's do; use the environment gymnasium_text, or {_SAYS}")
    if isinstance(said, Mapping):
        unknown = [name for name in said if name not in _FIELDS]
        if unknown:
            raise InputError(
                f"{what} returned a mapping with {unknown[0]!r}; there are {', '.join(_FIELDS)}, and numbers to be logged stand under figures"
            )
        return _told({_FIELDS[name]: value for name, value in said.items()}, what)
    raise InputError(f"{what} returned {_short(said)}; {_SAYS}")


def _told(fields: Mapping[str, Any], what: str) -> Told:
    own = dict(fields)
    own["text"] = "" if own.get("text") is None else own["text"]
    if not isinstance(own["text"], str) and not is_conversational(own["text"]):
        raise InputError(f"{what} returned {_short(own['text'])} as what is told next; a text or messages with role and content are")
    own["reward"] = number(own.get("reward"), what)
    for name in ("done", "truncated"):
        if name in own and own[name] not in (True, False):
            raise InputError(f"{what} returned {_short(own[name])} as {name}; True or False are")
        own[name] = bool(own.get(name, False))
    own["done"] = own["done"] or own["truncated"]
    if not own["text"] and not own["done"]:
        raise InputError(f"{what} tells nothing, and the episode goes on; {_SAYS}, with a text, or done")
    return Told(**own)


def number(value: Any, what: str) -> float | None:
    """A reward as a number; None where there is none.

    Raises:
        InputError: it is no finite number.
    """
    if value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} returned {_short(value)} as a reward; a number or None is") from error
    if isinstance(value, str) or found != found or abs(found) == float("inf"):
        raise InputError(f"{what} returned {_short(value)} as a reward; a finite number or None is")
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else f'{text[:57]}...'} ({type(value).__name__})"
