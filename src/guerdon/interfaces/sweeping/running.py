"""Running: so many processes at once, each a run that nobody else has claimed, until all are finished or Ctrl-C asks to stop."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guerdon.interfaces.sweeping.claims import Claim
from guerdon.interfaces.sweeping.grid import Planned
from guerdon.stopping import when_asked_to_stop

OUTPUT, SAID = "sweep.out", "sweep.err"  # what a run printed
BEHIND = "sweep.of"  # a digest of what its settings only name
PAUSE = 0.2  # seconds between two looks at the processes


@dataclass
class Running:
    """A run that is being trained by this sweep."""

    planned: Planned
    process: subprocess.Popen
    begun: float


@dataclass
class Sweep:
    """The running of some runs.

    Attributes:
        command: what trains a run; it goes on from the run's last checkpoint, and takes SIGINT as a wish to save and stop.
        finished: whether a run's folder holds what its settings ask for, to the end.
        jobs: processes at once.
        behind: a digest of what a run's settings only name, which is kept with the run when it is started.
        tell: called with a run and what happened to it ("started", "finished", "failed", "stopped"), and the seconds it took.
        failed: what a run said that failed, by its folder. It is not tried again by this sweep.
    """

    runs: Sequence[Planned]
    command: Callable[[Planned], list[str]]
    finished: Callable[[Planned], bool]
    jobs: int = 1
    behind: Callable[[Planned], str] = lambda run: ""
    tell: Callable[[Planned, str, float], None] = lambda run, what, seconds: None
    failed: dict[Path, str] = field(default_factory=dict)
    stopped: bool = False
    _running: list[Running] = field(default_factory=list)
    _done: set[Path] = field(default_factory=set)

    def __call__(self) -> None:
        """Run everything that is not finished. What another sweep has claimed is waited for, and taken over if that one is gone."""
        with self._patient():
            while not self.stopped and (waiting := [run for run in self.runs if self._open(run)]):
                for run in waiting:
                    if len(self._running) < self.jobs and not self.stopped:
                        self._start(run)
                time.sleep(PAUSE)
                self._collect()
            while self._running:
                time.sleep(PAUSE)
                self._collect()

    def _open(self, run: Planned) -> bool:
        if run.folder not in self._done and self.finished(run):
            self._done.add(run.folder)
        return run.folder not in self._done and run.folder not in self.failed

    def _start(self, run: Planned) -> None:
        if any(each.planned is run for each in self._running):
            return
        with Claim(run.folder) as claim:
            if not claim.taken or self.finished(run):
                return
            (run.folder / BEHIND).write_text(self.behind(run))
            # In a session of its own, so that Ctrl-C reaches it once, through this sweep; it holds the claim for as long as it lives.
            with (run.folder / OUTPUT).open("w") as out, (run.folder / SAID).open("w") as said:
                process = subprocess.Popen(
                    self.command(run), stdout=out, stderr=said, env=self._environment(), pass_fds=[claim.number], start_new_session=True
                )
        self._running.append(Running(run, process, time.monotonic()))
        self.tell(run, "started", 0.0)

    def _environment(self) -> dict[str, str]:
        """Runs at the same time share the processors."""
        threads = max(1, (os.cpu_count() or 1) // self.jobs)
        return {"OMP_NUM_THREADS": str(threads)} | dict(os.environ) if self.jobs > 1 else dict(os.environ)

    def _collect(self) -> None:
        for each in list(self._running):
            code = each.process.poll()
            if code is None:
                continue
            self._running.remove(each)
            what = "finished" if self.finished(each.planned) else "stopped" if self.stopped else "failed"
            if what == "failed":
                self.failed[each.planned.folder] = _last_words(each.planned.folder / SAID) or f"it ended with exit code {code}"
            self.tell(each.planned, what, time.monotonic() - each.begun)

    @contextlib.contextmanager
    def _patient(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM: nothing more is started, and every run is asked to save; asked again, it is to stop at once."""

        def stop(number: int) -> None:
            self.stopped = True
            for each in self._running:
                with contextlib.suppress(ProcessLookupError):
                    each.process.send_signal(signal.SIGINT)

        with when_asked_to_stop(stop):
            yield


def _last_words(path: Path) -> str:
    """The sentence with which a run ended."""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("guerdon: ")]
    return (said or lines or [""])[-1].removeprefix("guerdon: ")
