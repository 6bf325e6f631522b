"""Rows by their prompt, in the order in which the prompts come."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def by_prompt(rows: Sequence[Mapping[str, Any]]) -> Iterable[list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(json.dumps(row.get("prompt"), sort_keys=True, default=str), []).append(row)
    return groups.values()
