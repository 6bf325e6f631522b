"""JSON object: what comes before and the verdict are fields of one object.

    {"critique": "It is right.", "score": 8}

Its schema goes along with the question, and a server that can holds the answer to it (``response_format``). The first object of the text that has the field counts, in a
block of code or bare, and no further text beside it matters.

Source: ours.
Differs from Brackets: a server can be made to keep to it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.deliberation import Deliberation
from guerdon.feedback.layouts import Unread, shown
from guerdon.feedback.layouts.brackets import Brackets
from guerdon.witness import Witness

VERDICT = "verdict"
_TRIES = 64  # braces that are tried as the beginning of an object


@dataclass(frozen=True)
class JsonObject:
    def __call__(self, text: str) -> Any:
        for found in _objects(text):
            if VERDICT in found:
                return found[VERDICT]
        return Unread(f"it holds no JSON object with {VERDICT!r}: {shown(text)}")

    def tells(self, verdict: str, form: str, before: Deliberation | None) -> str:
        first = "" if before is None else f'"{before.name}": "...", '
        asks = "" if before is None else f"{before(verdict)} "
        return f'{asks}Reply with a JSON object and nothing else: {{{first}"{VERDICT}": ...}}, where {VERDICT} is your {verdict}: {form}.'

    def schema(self, verdict: str, values: Mapping[str, Any], before: Deliberation | None) -> dict[str, Any]:
        fields: dict[str, Any] = {} if before is None else {before.name: {"type": "string"}}
        fields[VERDICT] = dict(values)
        return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder, start = json.JSONDecoder(), -1
    for _ in range(_TRIES):
        start = text.find("{", start + 1)
        if start < 0:
            return
        try:
            found, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


witness = (
    Witness(
        JsonObject(), parent=Brackets(), given={"text": 'So {this}: ```json\n{"reasoning": "[[2]]", "verdict": "8"}\n``` done'}, returns="8"
    ),
)
