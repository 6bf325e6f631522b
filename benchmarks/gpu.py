"""The command for a machine with a GPU, for minutes: tests, then the table, then a profile of one step of each job.

    make gpu                                                  # seven minutes, into benchmarks/results/gpu-NAME OF THE CARD.json and .md
    make gpu ARGS='--minutes 3 --jobs sft-0.6B,dpo-0.6B'
    make gpu ARGS=--go-on                                     # what an earlier call had no time for
    make gpu ARGS=--rehearse                                  # all of it on a CPU, with tiny models, into runs/benchmarks/rehearsal

It needs torch and transformers. What comes first says most; everything is written as soon as it is measured, and what there was no time
for is named. Each measurement is a process of its own: memory is fresh, and out of memory is a result.
"""

import argparse
import os
import re
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import card_tests, child, page, tables
from benchmarks.__main__ import WORK
from benchmarks.apart import TRL, apart, missing, starter
from benchmarks.results import FOLDER, SKIPPED, Measurement, Results, machine
from benchmarks.settings import Setting, applicable
from benchmarks.workloads import Job, chosen, rehearsal

STEPS = {"cuda": SKIPPED + 3, "cpu": SKIPPED + 1}  # on a CPU it is only tried
PROFILED = 3
MINUTES, REHEARSAL = 7.0, 2.0
TESTS, ONE, PROFILES = 1 / 4, 1 / 4, 1 / 5  # of the time: at most for the tests and for one measurement, and what is kept for profiles
LEAST = 1 / 30  # with less left nothing is begun


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"that all of it may take (default {MINUTES:g})")
    parser.add_argument("--jobs", default="card", help="names with commas between (default card: the table)")
    parser.add_argument("--go-on", action="store_true", help="keep what is in the file and measure what is missing")
    parser.add_argument("--rehearse", action="store_true", help=f"on a CPU with tiny models, in {REHEARSAL:g} minutes at most")
    parser.add_argument("--no-tests", action="store_true", help="leave the tests out")
    parser.add_argument("--into", type=Path, help="the folder for results")
    return parser


@dataclass
class Session:
    """What is done in the time there is.

    Attributes:
        begun: when, by the clock of ``time.monotonic``.
        work: the folder for models, rows and what is said meanwhile.
    """

    jobs: list[Job]
    device: str
    seconds: float
    path: Path
    results: Results
    begun: float
    work: Path
    context: Any = None

    def left(self) -> float:
        return self.begun + self.seconds - time.monotonic()

    def save(self) -> None:
        self.results.save(self.path)
        self.path.with_suffix(".md").write_text(shown(self.results, self.jobs))

    def run(self, tests: bool) -> None:
        """Everything, what says most first."""
        if tests and not self.results.tests:
            self.results.tests = card_tests.run(self.log("tests"), self.seconds * TESTS)
            self.save()
            say(card_tests.told(self.results.tests))
        if self.left() > 0:
            self.context = starter(self.device, self.log("start"), self.left())
        for name, task in self.tasks():
            self.results.unmeasured.pop(name, None)
            if self.left() < self.seconds * LEAST:
                self.results.unmeasured[name] = "no time was left"
            else:
                begun = time.monotonic()
                say(f"{name}: {task()} ({time.monotonic() - begun:.0f} s, {self.left():.0f} s left)")
            self.save()

    def name(self, reason: str) -> None:
        """Everything that is not measured, and why."""
        self.seconds = 0.0
        self.results.unmeasured |= {name: reason for name, _ in self.tasks()}

    def tasks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Names and what is to be done: the table, the profiles in the time that is kept for them, the rest of the table, TRL's other settings."""
        yield from self.table(self.seconds * PROFILES)
        for job in self.jobs:
            if job.name not in self.results.profiles and self.find(job, "ours", "shipped"):
                yield f"profile of {job.name}", partial(self.profile, job)
        yield from self.table(float("-inf"))  # what there is no time for is named
        if self.left() > self.seconds * LEAST:
            for job, library, setting in self.ways():
                if not self.find(job, library, setting.name):
                    yield named(job, library, setting), partial(self.measure, job, library, setting)

    def table(self, keep: float) -> Iterator[tuple[str, Callable[[], str]]]:
        """Each job in both libraries, in the first setting for which there is room, until only so many seconds are left."""
        tried: set[tuple[str, str]] = set()
        for job, library, setting in self.ways():
            if self.left() < keep:
                return
            if job.size.name not in self.results.rates and library == "ours":
                yield f"rate of {job.size.name}", partial(self.rate, job)
            if job.size.name not in self.results.ways and library == "ours":
                yield f"attention of {job.size.name}", partial(self.ways_to_attend, job)
            if (job.name, library) not in tried:
                found = self.find(job, library, setting.name)
                if not found:
                    yield named(job, library, setting), partial(self.measure, job, library, setting)
                    found = self.find(job, library, setting.name)
                if not found or not found.failed:  # where there was no room for it, the next one needs less
                    tried.add((job.name, library))

    def ways(self) -> Iterator[tuple[Job, str, Setting]]:
        """Jobs in the libraries that are here, in the settings that are measured on a card, in the order in which they are tried."""
        lacking = missing(TRL)
        if lacking:
            self.results.unmeasured["TRL"] = f"{' and '.join(lacking)} cannot be imported here: its column is left out"
        for job in self.jobs:
            for library in ("ours", "trl"):
                if library == "ours" or job.kind == "sampling" or not lacking:
                    for setting in applicable(library, job.kind, thorough=True):
                        if setting.card:
                            yield job, library, setting

    def find(self, job: Job, library: str, setting: str) -> Measurement | None:
        return self.results.find(job.key, library, setting)

    def rate(self, job: Job) -> str:
        found = self.child(job, "rate", "shipped", STEPS[self.device])
        if isinstance(found, str):
            return found
        self.results.rates[job.size.name] = found
        return ", ".join(f"{name} {rate / 1e12:.3g} TFLOP/s" for name, rate in found.items())

    def ways_to_attend(self, job: Job) -> str:
        """Before the first job of a model's size, which chooses by what is found here."""
        found = self.child(job, "ways", "shipped", STEPS[self.device])
        if isinstance(found, str):
            self.results.unmeasured[f"attention of {job.size.name}"] = found
            return found
        self.results.ways[job.size.name] = found
        return ", ".join(f"{kind} by {trial['chosen'] or 'none'}" for kind, trial in found.items())

    def measure(self, job: Job, library: str, setting: Setting) -> str:
        found = self.child(job, library, setting.name, STEPS[self.device])
        if isinstance(found, str):
            self.results.put(Measurement(job.name, job.key, library, setting.name, failed=found))
            return found
        measurement = Measurement(**{**found, "seconds": tuple(found["seconds"])})
        self.results.put(measurement)
        return f"{measurement.step:.3g} s a step, {measurement.memory:.0f} MB"

    def profile(self, job: Job) -> str:
        found = self.child(job, "profile", "shipped", PROFILED)
        if isinstance(found, str):
            self.results.unmeasured[f"profile of {job.name}"] = found
            return found
        self.results.profiles[job.name] = found
        return f"busy {found['busy']:.0%}, {found['launches']} launches, the host waits {found['waits']} times"

    def child(self, job: Job, library: str, setting: str, steps: int) -> Any:
        limit = min(self.seconds * ONE, self.left())
        log = self.log(f"{job.name}-{library}-{setting}")
        return apart(self.context, child.main, [job.name, library, setting, str(steps), self.device, str(self.work)], log, limit)

    def log(self, name: str) -> Path:
        return self.work / "logs" / (re.sub(r"[^\w.]+", "-", name) + ".log")


def named(job: Job, library: str, setting: Setting) -> str:
    return f"{job.name}, {library}, {setting.name}"


def shown(results: Results, jobs: list[Job]) -> str:
    """Everything there is to tell."""
    runs = [results]
    pieces = [page.described(runs), card_tests.told(results.tests) if results.tests else "", tables.rates(runs)]
    pieces += [
        tables.ways(results),
        tables.side_by_side(runs, jobs),
        tables.reached(runs, jobs),
        tables.everything(runs, jobs),
        tables.profiles(results),
    ]
    reasons = defaultdict(list)
    for name, reason in results.unmeasured.items():
        reasons[reason].append(name)
    pieces += [f"Not measured: {'; '.join(names)}: {reason}.\n" for reason, names in reasons.items()]
    return "\n".join(pieces) + "\n"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(given: list[str] | None = None) -> int:
    begun, asked = time.monotonic(), arguments().parse_args(given)
    try:
        jobs = chosen(asked.jobs)
    except ValueError as error:
        say(str(error))
        return 2
    if asked.minutes <= 0:
        say("--minutes must be more than 0")
        return 2
    import torch

    if not asked.rehearse and not torch.cuda.is_available():
        say("torch finds no NVIDIA card here; --rehearse tries all of this on the CPU")
        return 2
    device = "cpu" if asked.rehearse else "cuda"
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")  # of what was killed, at the end
    os.environ.update(applicable("ours", "sft", False)[0].environment("ours"))
    minutes = min(asked.minutes, REHEARSAL) if asked.rehearse else asked.minutes
    folder = asked.into or (WORK / "rehearsal" if asked.rehearse else FOLDER)
    described = machine(device)
    name = re.sub(r"\W+", "-", described.get("gpu", "rehearsal").removeprefix("NVIDIA ")).lower()
    path = folder / f"gpu-{name}.json"
    results = Results.load(path) if asked.go_on else Results()
    results.machine, results.unmeasured = described, {}
    session = Session(
        rehearsal(jobs) if asked.rehearse else jobs, device, minutes * 60, path, results, begun, folder if asked.rehearse else WORK
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what runs is ended too, and what was measured is shown
    try:
        session.run(not asked.no_tests)
    except KeyboardInterrupt:
        session.name("it was stopped before")
        say("stopped; --go-on measures what is missing")
    session.save()
    print(shown(results, session.jobs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
