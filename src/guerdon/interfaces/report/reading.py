"""Reading a run's folder: whatever is there, however it ended. What cannot be read is said and left out."""

import contextlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guerdon.errors import InputError

PIECES = ("configuration.json", "environment.json", "metrics.jsonl", "completions.jsonl")


@dataclass(frozen=True)
class Outcome:
    """What is kept of every completion: where its line begins, and what it was worth."""

    offset: int
    reward: float
    prompt: str


@dataclass
class Record:
    """One run, or one stage of a pipeline's run."""

    folder: Path
    title: str
    configuration: Any = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    sampled: dict[int, list[Outcome]] = field(default_factory=dict)  # step → completions that were learned from
    held_out: dict[int, list[Outcome]] = field(default_factory=dict)  # step → completions of the evaluation
    notes: list[str] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """The last step that was logged."""
        return max((row["step"] for row in self.metrics), default=0)

    @property
    def model(self) -> Path | None:
        """The final policy, or that of the newest checkpoint."""
        found = [self.folder / "model", *sorted(self.folder.glob("checkpoints/step-*/model"), reverse=True)]
        return next((path for path in found if path.is_dir()), None)

    def series(self, name: str) -> tuple[list[int], list[float]]:
        """Steps and values of one metric, where it was logged and is finite."""
        rows = [(row["step"], row[name]) for row in self.metrics if _finite(row.get(name))]
        return [step for step, _ in rows], [float(value) for _, value in rows]

    def names(self) -> list[str]:
        """Every metric, in the order of first appearance."""
        return list(dict.fromkeys(name for row in self.metrics for name, value in row.items() if name != "step" and _finite(value)))

    def rows(self, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
        """The whole lines of some completions."""
        found = []
        with (self.folder / "completions.jsonl").open("rb") as file:
            for outcome in outcomes:
                file.seek(outcome.offset)
                found.append(json.loads(file.readline()))
        return found


def read(folder: Path | str) -> list[Record]:
    """The run in ``folder``, and those of its stages in the folders below it, in the order in which they were begun.

    Raises:
        InputError: there is no run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that a run was written to")
    places = [folder, *sorted((p for p in folder.iterdir() if p.is_dir()), key=_begun)]
    records = [_record(place, folder) for place in places if any((place / piece).exists() for piece in PIECES)]
    logged = [record for record in records if record.metrics or record.sampled or record.held_out]
    if not records:
        raise InputError(f"{folder} holds no run (none of {', '.join(PIECES)}); give the folder that a run was written to")
    return logged or records[:1]


def _begun(place: Path) -> tuple[float, str]:
    times = [(place / piece).stat().st_mtime for piece in ("configuration.json", "environment.json") if (place / piece).exists()]
    return min(times, default=math.inf), place.name


def _record(place: Path, root: Path) -> Record:
    record = Record(place, place.resolve().name if place == root else place.name)
    record.configuration = _json(place / "configuration.json", record.notes)
    environment = _json(place / "environment.json", record.notes)
    record.environment = environment if isinstance(environment, dict) else {}
    by_step = {row["step"]: row for _, row in _lines(place / "metrics.jsonl", record.notes)}
    record.metrics = [by_step[step] for step in sorted(by_step)]
    sampled, held_out = defaultdict(list), defaultdict(list)
    for offset, row in _lines(place / "completions.jsonl", record.notes):
        reward = row.get("reward") if row.get("valid", True) else None
        outcome = Outcome(offset, float(reward) if _finite(reward) else math.nan, json.dumps(row.get("prompt")))
        (held_out if row.get("split") == "test" else sampled)[row["step"]].append(outcome)
    record.sampled, record.held_out = dict(sampled), dict(held_out)
    return record


def _json(path: Path, notes: list[str]) -> Any:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(errors="replace"))
    except ValueError:
        notes.append(f"{path.name} is not complete JSON and was left out")
        return None


def _lines(path: Path, notes: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Byte offset and row of every sound line; the others are counted."""
    if not path.exists():
        return
    damaged = offset = 0
    with path.open("rb") as file:
        for line in file:
            row = None
            with contextlib.suppress(ValueError):
                row = json.loads(line)
            if isinstance(row, dict) and isinstance(row.get("step"), int):
                yield offset, row
            else:
                damaged += bool(line.strip())
            offset += len(line)
    if damaged:
        notes.append(
            f"{damaged} line{'s' if damaged > 1 else ''} of {path.name} could not be read and {'were' if damaged > 1 else 'was'} left out"
        )


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
