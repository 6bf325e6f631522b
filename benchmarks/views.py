"""What runs of the benchmark say about a job: medians over the runs, and what the tables and plots show of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.results import Measurement, Results
from benchmarks.settings import SETTINGS
from benchmarks.workloads import Job

TRL_BEST = "fastest"


@dataclass(frozen=True)
class Range:
    """Median, least and greatest: over the runs, or over the steps where there is one run."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Range":
        return cls(median(values), min(values), max(values))


def measured(runs: Sequence[Results], job: Job, library: str, setting: str) -> list[Measurement]:
    """The sound measurements, one a run that has it."""
    found = [run.find(job.key, library, setting) for run in runs]
    return [m for m in found if m is not None and not m.failed and m.steady]


def seconds(found: Sequence[Measurement]) -> Range:
    """Seconds of a step."""
    return Range.of([m.step for m in found]) if len(found) > 1 else Range.of(found[0].steady)


def fastest(runs: Sequence[Results], job: Job, allocator: bool) -> str | None:
    """TRL's quickest setting with or without the allocator set, by the median over the runs."""
    times = {
        s.name: median(m.step for m in found)
        for s in SETTINGS["trl"]
        if s.allocator == allocator and (found := measured(runs, job, "trl", s.name))
    }
    return min(times, key=times.__getitem__) if times else None


def leanest(runs: Sequence[Results], job: Job) -> str | None:
    """TRL's setting with the least memory."""
    sizes = {s.name: median(m.memory for m in found) for s in SETTINGS["trl"] if (found := measured(runs, job, "trl", s.name))}
    return min(sizes, key=sizes.__getitem__) if sizes else None


def ratio(runs: Sequence[Results], job: Job, setting: str | None, of: Callable[[Measurement, Measurement], float]) -> Range | None:
    """Of TRL's measurement in a setting and ours as shipped, each pair from the same run."""
    if setting is None:
        return None
    pairs = [(run.find(job.key, "trl", setting), run.find(job.key, "ours", "shipped")) for run in runs]
    values = [of(theirs, ours) for theirs, ours in pairs if theirs and ours and not theirs.failed and not ours.failed]
    return Range.of(values) if values else None


def faster(theirs: Measurement, ours: Measurement) -> float:
    """How many times ours is faster, a token for a token: sampled steps differ in how many there are."""
    return (theirs.step / theirs.tokens) / (ours.step / ours.tokens)


def smaller(theirs: Measurement, ours: Measurement) -> float:
    """Our peak memory, helper processes included, as a part of theirs."""
    return (ours.memory + ours.helpers) / max(theirs.memory + theirs.helpers, 1e-9)


def share(runs: Sequence[Results], job: Job, library: str, setting: str) -> Range | None:
    """Needed arithmetic a second as a share of the faster of the machine's two measured rates, whichever precision was used."""
    found = [(run, m) for run in runs for m in measured([run], job, library, setting) if job.size.name in run.rates]
    return Range.of([m.operations / m.step / max(run.rates[job.size.name].values()) for run, m in found]) if found else None
