"""JSON: a list of objects, or one under ``data``. A file of JSON lines in spite of its name is read as that."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks._files import _opening, json_lines
from guerdon.tasks._files._json import an_object, parsed

suffixes = ("json",)


def rows(path: Path, texts: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    text = _opening.whole(path)
    try:
        value = parsed(text, str(path), "; if each line is an object, name it .jsonl")
    except InputError as error:
        if isinstance(error.__cause__, json.JSONDecodeError) and error.__cause__.msg == "Extra data":  # a value, and then another
            yield from json_lines.rows(path)
            return
        raise
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    if isinstance(value, dict) and "\n" not in text.strip() and any(isinstance(v, str) for v in value.values()):
        value = [value]  # one line of JSON lines
    if not isinstance(value, list):
        keys = f" with {', '.join(map(repr, list(value)[:6]))}" if isinstance(value, dict) and value else ""
        raise InputError(f"{path} must hold a list of objects (or one under 'data'), and holds a {type(value).__name__}{keys}")
    for number, row in enumerate(value):
        yield an_object(row, f"item {number} of {path}")
