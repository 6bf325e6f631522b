"""JSON schema: whether a completion is JSON that a schema allows.

    reward = right if what the completion says after its thinking is JSON, and valid under the schema, else wrong

The schema is ``schema``, or the row's own in the column ``json_schema`` (a dictionary or its JSON), which goes first; it is read under the draft that it names
(2020-12 where it names none). A row without a schema gives None. The JSON is the last block that is marked as JSON or not at all, or the whole text
where there is no block. NaN and Infinity are no JSON, and a key that occurs twice is refused, as nobody can tell which one was meant.

Source: JSON Schema, https://json-schema.org/draft/2020-12, by the package ``jsonschema``.
Patterns of a schema may take exponential time: it is judged apart, and a completion that takes too long is wrong.
Differs from Format: reads what is said by its structure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.apart import judge_apart
from guerdon.feedback.fences import last_block
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness

_LANGUAGES = ("json",)


@dataclass(frozen=True)
class JSONSchema:
    may_hang: ClassVar[bool] = True

    schema: Any = None
    right: float = 1.0
    wrong: float = 0.0

    def __post_init__(self) -> None:
        if self.schema is not None:
            _validator(self.schema)

    def __call__(
        self, prompts: list[Any], completions: list[Any], json_schema: list[Any] | None = None, **columns: list[Any]
    ) -> list[float | None]:
        own = json_schema if json_schema is not None else [None] * len(completions)
        return judge_apart(self, prompts=prompts, completions=completions, json_schema=own)

    def judge(self, prompts: list[Any], completions: list[Any], json_schema: list[Any] | None = None) -> list[float | None]:
        """The verdicts, in this process and without a limit."""
        own = json_schema if json_schema is not None else [None] * len(completions)
        return [self._judge(*row) for row in zip(prompts, completions, own, strict=True)]

    def prepare(self) -> None:
        """Import the library before a completion is timed."""
        _validator({}).is_valid(1)

    def _judge(self, prompt: Any, completion: Any, own: Any) -> float | None:
        schema = self.schema if own is None else own
        if schema is None:
            return None
        validator = _validator(schema)
        text = last_block(answer_text(completion, prompt), _LANGUAGES)
        try:
            value = json.loads(text or "", parse_constant=_refuse, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            return self.wrong
        try:
            return self.right if validator.is_valid(value) else self.wrong
        except Exception as error:
            if (lost := getattr(error, "ref", None)) is None:  # of the package referencing: where a $ref leads nowhere
                raise
            raise InputError(
                f"the JSON schema {_short(schema)} refers to {lost!r}, which is not in it, and nothing is fetched: write it into the schema"
            ) from error


def _validator(schema: Any) -> Any:
    try:
        from jsonschema import exceptions, validators
    except ImportError as error:
        raise InputError("the JSON schema reward needs the package jsonschema: pip install 'guerdon[schema]'") from error
    try:
        schema = json.loads(schema) if isinstance(schema, str) else schema
    except ValueError as error:
        raise InputError(f"the JSON schema {_short(schema)} is no JSON: {error}") from error
    if not isinstance(schema, Mapping | bool):
        raise InputError(f"a JSON schema is an object, true or false, not {_short(schema)}")
    kind = validators.validator_for(schema, default=validators.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema"}))
    try:
        kind.check_schema(schema)
    except exceptions.SchemaError as error:
        raise InputError(f"the JSON schema {_short(schema)} is none: {error.message}") from error
    return kind(schema)


def _short(schema: Any) -> str:
    shown = repr(schema)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


_age = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}
witness = (
    Witness(
        JSONSchema(_age),
        parent=Format(r"\{.*\}", full=False),
        given={
            "prompts": ["q"] * 5,
            "completions": ['{"age": 7}', 'So:\n```json\n{"age": 7}\n```', '{"age": -1}', '{"age": "7"}', '{"age": 7'],
        },
        returns=[1.0, 1.0, 0.0, 0.0, 0.0],
    ),
    Witness(
        JSONSchema(),
        parent=JSONSchema(_age),
        given={"prompts": ["q"] * 2, "completions": ["7", "7"], "json_schema": ['{"type": "integer"}', None]},
        returns=[1.0, None],
    ),
)
