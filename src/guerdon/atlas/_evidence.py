"""Evidence: what was measured, with which seeds and versions, how long it took, and what it says about the claim.

It is kept as JSON beside the system's file, with every confirmation before it, and is stale once what the file measures has changed (``_fingerprint``).
"""

import json
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from guerdon.atlas._claims import Numbers
from guerdon.atlas._fingerprint import fingerprint
from guerdon.atlas._system import Entry
from guerdon.atlas._verdict import Verdict
from guerdon.atlas._working import cores
from guerdon.errors import RunFailed

PACKAGES = ("guerdon", "torch", "numpy", "scipy", "transformers")


@dataclass(frozen=True)
class Confirmation:
    """One verdict that was drawn: of what, when, on how many seeds, and how it came out."""

    source: str
    date: str
    seeds: int
    outcome: str


@dataclass(frozen=True)
class Evidence:
    """Numbers and what they say.

    Attributes:
        source: fingerprint of what was measured.
        tuned: arm → knob → the value that was chosen.
        history: the confirmations, this one last; empty where one only explored.
    """

    slug: str
    scale: str
    seeds: tuple[int, ...]
    numbers: Numbers
    verdict: Verdict
    source: str
    duration_s: float
    tuned: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: tuple[Confirmation, ...] = ()
    versions: dict[str, str] = field(default_factory=lambda: versions())
    cores: int = field(default_factory=cores)
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d"))

    def write(self, path: Path) -> None:
        """Write it whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        try:
            part.write_text(_one_line_per_list(json.dumps(asdict(self), indent=1, sort_keys=True)) + "\n")
            part.replace(path)
        except OSError as error:
            raise RunFailed(f"the evidence could not be written to {path} ({error.strerror}); the numbers above are not kept") from error

    @classmethod
    def read(cls, path: Path) -> "Evidence":
        text = json.loads(path.read_text())
        numbers = {arm: {m: _series(values) for m, values in measures.items()} for arm, measures in text["numbers"].items()}
        history = tuple(Confirmation(**each) for each in text.get("history", ()))
        return cls(**text | {"seeds": tuple(text["seeds"]), "numbers": numbers, "verdict": _verdict(text["verdict"]), "history": history})


def evidence_path(entry: Entry) -> Path:
    return entry.path.parent / "evidence" / f"{entry.slug}.json"


def kept(entry: Entry) -> Evidence | None:
    """The evidence beside the file, or None."""
    path = evidence_path(entry)
    return Evidence.read(path) if path.exists() else None


def is_stale(entry: Entry, evidence: Evidence) -> bool:
    return evidence.source != fingerprint(entry)


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def _one_line_per_list(text: str) -> str:
    """Lists of numbers on a line each, so that a difference between two versions can be read."""
    return re.sub(r"\[[^\[\]{}]+\]", lambda found: re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), text)


def _series(values: Sequence[float] | dict[str, list[float]]):
    """JSON's keys are strings; the points of a curve are numbers."""
    return {float(x): v for x, v in values.items()} if isinstance(values, dict) else values


def _verdict(text: dict) -> Verdict:
    return Verdict(**text | {"parts": tuple(_verdict(part) for part in text["parts"]), "arms": tuple(text.get("arms", ()))})
