"""Rows: a line of a run's file as what the index keeps of it. What cannot be read is None."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.interfaces.viewing.texts import acted, plain, turns

LARGEST = 2**53  # of a whole number that is kept


@dataclass(frozen=True)
class Rollout:
    """What is kept of a line of ``completions.jsonl``."""

    step: int
    test: bool
    place: int | None
    asked: str
    said: str
    digest: bytes  # of the prompt
    reward: float | None
    valid: bool
    failed: bool
    cut: bool
    length: int
    turns: int
    forked: bool
    components: Mapping[str, float]

    @property
    def values(self) -> tuple[Any, ...]:
        """Those that stand in a table as they are."""
        return self.reward, self.valid, self.failed, self.cut, self.length, self.turns, self.forked


def rollout(line: bytes) -> Rollout | None:
    """A line of ``completions.jsonl``."""
    row = table(line)
    if row is None:
        return None
    said, asked = turns(row.get("completion")), plain(turns(row.get("prompt")))
    components = row.get("components") if isinstance(row.get("components"), dict) else {}
    tokens, text = row.get("tokens"), clean(plain(said))
    valid = bool(row.get("valid", True))
    place = row.get("place")
    return Rollout(
        step=row["step"],
        test=row.get("split") == "test",
        place=place if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < LARGEST else None,
        asked=clean(asked),
        said=text,
        digest=digest(row.get("prompt")),
        reward=number(row.get("reward")) if valid else None,
        valid=valid,
        failed=row.get("error") is not None,
        cut=row.get("terminated") is False,
        length=len(tokens) if isinstance(tokens, list) else len(text),
        turns=acted(said),
        forked=isinstance(row.get("forked"), int) and row["forked"] >= 0,
        components={clean(str(name)): float(value) for name, value in components.items() if number(value) is not None},
    )


def metrics(line: bytes) -> tuple[int, dict[str, float]] | None:
    """A line of ``metrics.jsonl``: the step and its finite numbers."""
    row = table(line)
    return None if row is None else (row["step"], {k: float(v) for k, v in row.items() if k != "step" and number(v) is not None})


def table(line: bytes) -> dict[str, Any] | None:
    """A line with a step; None where it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    good = isinstance(row, dict) and isinstance(row.get("step"), int) and not isinstance(row["step"], bool) and 0 <= row["step"] < LARGEST
    return row if good else None


def digest(prompt: Any) -> bytes:
    """By which the same prompt is known in other steps and other runs."""
    return hashlib.sha256(json.dumps(prompt, sort_keys=True).encode()).digest()[:12]


def clean(text: str) -> str:
    """A text that can be kept: JSON may hold half of a character, and a zero byte ends a text in SQLite."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def number(value: Any) -> float | None:
    """A finite number, or None."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300
    return float(value) if good and math.isfinite(value) else None
