"""Spelled: texts of a call as the values that its tool's schema says they are, for formats of calls that write no types.

Where the schema has a text among its types the text stays; null, true, false, numbers, lists and objects are read as JSON where the schema asks for them, and ``True``, ``False``
and ``None`` as Python's, as templates write them. Where it says nothing of a type, a text that is a JSON object or a list is taken for that. What is none of these stays a text,
and is told as such when the call is checked (``tasks.schemas``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from guerdon.tasks.calls import Call
from guerdon.tasks.calls._json import read_value
from guerdon.tasks.schemas import Schema

_WORDS = {"true": True, "false": False, "True": True, "False": False, "null": None, "None": None}
_KINDS = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object", type(None): "null", str: "string"}


def typed(calls: Sequence[Call], tools: Iterable[Schema]) -> tuple[Call, ...]:
    """The calls with the arguments that their tools want; those of a format with types as they are."""
    known = {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in tools}
    return tuple(
        replace(call, arguments=typed_arguments(call.arguments, known.get(call.name, {})), spelled=False) if call.spelled else call
        for call in calls
    )


def typed_arguments(arguments: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Texts as the values that a schema of an object has in their place."""
    own = parameters.get("properties") or {}
    return {name: _value(text, _kinds(own.get(name) or {})) for name, text in arguments.items()}


def _value(text: str, kinds: set[str]) -> Any:
    bare = text.strip()
    if "null" in kinds and bare in ("null", "None"):
        return None
    if "string" in kinds:
        return text
    if bare in _WORDS and (value := _WORDS[bare]) is not None:
        return value if "boolean" in kinds else text
    value, error, end = read_value(bare, 0)
    if error or end != len(bare):
        return text
    kind = _KINDS[type(value)]
    wanted = kinds or {"array", "object"}
    return value if kind in wanted or (kind in ("integer", "number") and wanted & {"integer", "number"}) else text


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    """The types that a schema allows; none where it says none."""
    given = schema.get("type")
    found = {given} if isinstance(given, str) else set(given or ())
    found |= {kind for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())) if isinstance(one, Mapping) for kind in _kinds(one)}
    values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    found |= {_KINDS[type(value)] for value in values if type(value) in _KINDS} if not given else set()
    return found | ({"null"} if schema.get("nullable") is True else set())
