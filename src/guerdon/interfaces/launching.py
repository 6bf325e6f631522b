"""Launching: one run as several processes of this machine, watched until all have ended.

Each gets the same command and finds the others by the variables that ``torchrun`` would set. They are in sessions of their own, so that Ctrl-C reaches them once,
through this one; when one dies, the others are stopped. Over several machines a placement starts them, or ``torchrun`` or ``accelerate launch`` do.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from guerdon.errors import RunFailed
from guerdon.processes import PARENT, free_port
from guerdon.stopping import when_asked_to_stop

GRACE = 5.0  # seconds that the others have to end by themselves when one has failed, and
AT_ONCE = 1.0  # when one was killed


class Child(Protocol):
    """One of the processes, as ``subprocess.Popen`` shows it, wherever it is."""

    returncode: int | None

    def poll(self) -> int | None: ...

    def send_signal(self, number: int) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def wait(self, seconds: float) -> int | None: ...


Start = Callable[[int, Sequence[str]], Iterable[Child]]  # so many processes, each with this command


def launch(count: int, command: Sequence[str], start: Start) -> int:
    """Run ``command`` as ``count`` processes, and return the exit code.

    Raises:
        RunFailed: one of them was killed.
    """
    children: list[Child] = []

    def pass_on(number: int) -> None:
        """They know what to do."""
        for child in children:
            if child.poll() is None:
                child.send_signal(number)

    with when_asked_to_stop(pass_on):
        try:
            children.extend(start(count, command))
            return _watched(children)
        finally:
            _stop(children)


def on_this_machine(count: int, command: Sequence[str]) -> Iterator[Child]:
    """The processes, beside this one."""
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    threads = max((len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) // count, 1)
    for rank in range(count):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), PARENT: str(os.getpid())}
        quiet = {
            "TORCH_CPP_LOG_LEVEL": "ERROR"
        }  # that the first process is gone is a sentence of ours; torch's is a warning with sixty frames of C++
        environment = {"OMP_NUM_THREADS": str(threads), **quiet, **os.environ, **shared, **own}
        yield subprocess.Popen(command, env=environment, start_new_session=True)


def _watched(children: list[Child]) -> int:
    """Wait until all have ended, or one has failed and the others have had time to say so."""
    failed: tuple[int, int] | None = None
    since = 0.0
    while None in [child.poll() for child in children]:  # of each, so that none is passed over
        for rank, child in enumerate(children):
            if failed is None and child.returncode:
                failed, since = (rank, child.returncode), time.monotonic()
        if failed is not None and time.monotonic() - since > (AT_ONCE if failed[1] < 0 else GRACE):
            break
        time.sleep(0.1)
    codes = [child.returncode for child in children]
    killed = next(((rank, -code) for rank, code in enumerate(codes) if code is not None and code < 0), None)
    if killed is not None:
        rank, number = killed
        raise RunFailed(
            f"process {rank} of {len(children)} was killed ({signal.Signals(number).name}), and the others were stopped; the same command goes on from the last "
            "checkpoint"
        )
    return next((code for code in codes if code), 0)


def _stop(children: list[Child]) -> None:
    """End those that are still there."""
    for how in ("terminate", "kill"):
        for child in children:
            if child.poll() is None:
                getattr(child, how)()
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(2.0)
