"""Schemas: what a typed function of Python is as a tool, and whether the arguments of a call are what its schema says.

A schema is what chat templates take: ``{"type": "function", "function": {"name", "description", "parameters"}}``, the parameters a JSON schema of an object.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from guerdon.catalogue import near_names
from guerdon.errors import InputError

Schema = Mapping[str, Any]
_NUMBER = re.compile(r"\s*[+-]?(?:\d{1,300}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*")
_WHOLE = re.compile(r"\s*[+-]?\d{1,300}(?:\.0*)?\s*")
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Checked:
    """The arguments as the tool gets them.

    Attributes:
        error: what is wrong with them, in sentences that the model can mend them by; empty where nothing is.
        converted: what was taken for something else than it was written as, a sentence for each argument.
    """

    arguments: Mapping[str, Any]
    error: str = ""
    converted: tuple[str, ...] = ()


def schema_of(function: Callable[..., Any], name: str | None = None) -> dict[str, Any]:
    """The schema of a function, from its types and its docstring (Google's style: ``Args:`` and a line for each parameter).

    Raises:
        InputError: it says too little of itself; the sentence says which parameter.
    """
    from transformers.utils import get_json_schema
    from transformers.utils.chat_template_utils import DocstringParsingException, TypeHintParsingException

    called = name or getattr(function, "__name__", type(function).__name__)
    function = function if inspect.isroutine(function) else function.__call__
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise InputError(f"the tool {called} does not say its parameters; wrap it in a function of Python with types") from error
    for parameter in parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InputError(f"the tool {called} takes {parameter}, which a call by names cannot give; write each parameter with its name")
        if parameter.annotation is parameter.empty:
            raise InputError(
                f"the parameter {parameter.name} of the tool {called} has no type; write {parameter.name}: str, int, float, bool, list[...] ..."
            )
    if not (inspect.getdoc(function) or "").strip():
        raise InputError(
            f"the tool {called} has no docstring, which is what the model reads of it; say what it does, and each parameter under Args:"
        )
    try:
        described = get_json_schema(function)["function"]
    except DocstringParsingException as error:
        lacks = next((p for p in parameters if f"'{p}'" in str(error)), None)
        raise InputError(
            f"the docstring of the tool {called} does not describe its parameter {lacks}; write under Args: a line '{lacks}: what it is'"
        ) from error
    except (TypeHintParsingException, NameError, TypeError) as error:
        wrong = next((p.name for p in parameters.values() if not _has_schema(p.annotation)), None)
        which = f"the type of the parameter {wrong} of the tool {called}" if wrong else f"a type of the tool {called}"
        raise InputError(
            f"{which} is none that JSON can say ({str(error).splitlines()[0][:200]}); write str, int, float, bool, list, dict, Literal or Enum"
        ) from error
    return {
        "type": "function",
        "function": {"name": called, "description": described["description"], "parameters": described["parameters"]},
    }


def checked(arguments: Mapping[str, Any], schema: Schema) -> Checked:
    """The arguments of a call of the tool with this schema.

    A text that spells a number, true or false is taken for it where the schema asks for one, and a whole float for an integer; nothing else is converted. Arguments that the
    schema does not name are refused, unless it says otherwise.
    """
    parameters = schema["function"].get("parameters") or {"type": "object", "properties": {}}
    known = parameters.get("properties") or {}
    own, converted = {}, []
    for name, value in arguments.items():
        own[name] = _taken(value, known.get(name) or {})
        if own[name] is not value:
            converted.append(f"{name}: {json.dumps(value, ensure_ascii=False)} was taken as {json.dumps(own[name])}")
    unknown = [name for name in own if name not in known] if parameters.get("additionalProperties") is None else []
    if unknown:
        near = near_names(unknown[0], list(known))
        offered = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}" if known else "there are none"
        return Checked(arguments, f"there is no argument {unknown[0]!r}: {offered}")
    wrong = sorted(
        _validator(json.dumps(parameters, sort_keys=True)).iter_errors(own), key=lambda error: list(map(str, error.absolute_path))
    )
    return Checked(
        own if not wrong else arguments, "; ".join(_sentence(error) for error in wrong[:3]), tuple(converted) if not wrong else ()
    )


def _taken(value: Any, wanted: Schema) -> Any:
    """What a value is taken for; the value itself where nothing is to be converted."""
    kinds = wanted.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds or []
    if isinstance(value, float) and "integer" in kinds and "number" not in kinds and value.is_integer():
        return int(value)
    if not isinstance(value, str) or "string" in kinds:
        return value
    if "integer" in kinds and _WHOLE.fullmatch(value):
        return int(value.strip().partition(".")[0])
    if "number" in kinds and _NUMBER.fullmatch(value) and abs(number := float(value)) < float("inf"):
        return number
    return _TRUTH.get(value.strip().lower(), value) if "boolean" in kinds else value


def _sentence(error: Any) -> str:
    """What is wrong, as it is told to whoever wrote the call."""
    if error.validator == "required":
        return error.message.replace(" is a required property", " is missing")
    where = ".".join(map(str, error.absolute_path))
    message = error.message if len(error.message) <= 200 else f"{error.message[:197]}..."
    return f"{where}: {message}" if where else message


@lru_cache(maxsize=4096)
def _validator(parameters: str) -> Any:
    try:
        from jsonschema import exceptions, validators
    except ImportError as error:
        raise InputError("tools check the arguments of calls with the package jsonschema: pip install 'guerdon[schema]'") from error
    schema = _with_null(json.loads(parameters))
    kind = validators.validator_for(schema, default=validators.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except exceptions.SchemaError as error:
        raise InputError(f"the parameters of a tool are no JSON schema: {error.message}") from error
    return kind(schema)


def _with_null(schema: Any) -> Any:
    """The schema with ``nullable`` (OpenAPI's, which templates are told) as JSON schema says it."""
    if isinstance(schema, list):
        return [_with_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: _with_null(value) for key, value in schema.items() if key != "nullable" or not isinstance(value, bool)}
    return {"anyOf": [own, {"type": "null"}]} if schema.get("nullable") is True else own


def _has_schema(annotation: Any) -> bool:
    from transformers.utils import get_json_schema

    def probe(value):
        """Tried.

        Args:
            value: of the type.
        """

    probe.__annotations__["value"] = annotation
    try:
        get_json_schema(probe)
        return True
    except Exception:  # whatever it says of what it does not know
        return False
