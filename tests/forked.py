"""Processes that begin as copies of this one, which has imported everything: what a run on several of them does can be tested without the imports of each.

What starting them is like is tested with the command itself.
"""

import contextlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace

import pytest

from guerdon.interfaces import launching
from guerdon.interfaces.cli import main

FORK = multiprocessing.get_context("fork") if hasattr(os, "fork") else None  # without it they are started as ever


class Forked:
    """As ``subprocess.Popen`` shows a process."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], start_new_session: bool):
        assert command[0] == sys.executable and start_new_session
        self.process = FORK.Process(target=_become, args=(list(command[1:]), dict(env)))
        self.process.start()
        self.pid = self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float) -> int | None:
        self.process.join(seconds)
        return self.returncode


@contextlib.contextmanager
def forking() -> Iterator[None]:
    """What is launched on this machine, in here, is forked."""
    with pytest.MonkeyPatch.context() as patch:
        if FORK is not None:
            patch.setattr(launching, "subprocess", SimpleNamespace(Popen=Forked, TimeoutExpired=subprocess.TimeoutExpired))
        yield


def guerdon(*words: str) -> int:
    """The exit code of a command whose processes are forked."""
    with forking(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["guerdon", *words])
        return main()


def _become(words: list[str], environment: dict[str, str]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115 - as long as the process
    if words[:2] == ["-m", "guerdon"]:
        sys.argv = ["guerdon", *words[2:]]
        sys.exit(main())
    sys.argv = words
    runpy.run_path(words[0], run_name="__main__")
