"""Helpers: a few processes in which functions of the user's run, so that one that hangs or crashes costs its process and not the run.

Each process belongs to one thread here, which takes jobs from a common queue, sends them, and waits no longer than it was told; then it
kills the process and starts another with the next job.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing import Pipe
from typing import Any

from guerdon.errors import InputError, RunFailed

_START = 120.0  # seconds for an interpreter to start, and for a function's module to be imported, on a busy machine
_PROGRAM = "import sys; sys.path[:] = sys.argv[3:]; from guerdon.feedback.worker import serve; serve(int(sys.argv[1]), int(sys.argv[2]))"


@dataclass(frozen=True)
class Failure:
    """Why a call gave no value."""

    text: str
    hung: bool = False


@dataclass(frozen=True)
class Loadable:
    """A function as another process can load it: "named" by text or "pickled"."""

    key: str
    how: str
    what: Any


@dataclass(frozen=True)
class _Job:
    function: Loadable
    arguments: Mapping[str, Any]
    timeout: float | None
    result: Future = field(default_factory=Future)


class Helpers:
    """``count`` helper processes, started when they are first needed."""

    def __init__(self, count: int) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._processes = [_Process() for _ in range(count)]
        self._closed = False
        for process in self._processes:
            threading.Thread(target=self._own, args=(process,), daemon=True, name="guerdon-reward-helper").start()

    def submit(self, function: Loadable, arguments: Mapping[str, Any], timeout: float | None) -> Future:
        """The value of a call, or the ``Failure`` it came to; an InputError where the function cannot be loaded or refuses its input."""
        if self._closed:
            raise RunFailed("the helper processes of the rewards were closed")
        job = _Job(function, arguments, timeout)
        self._jobs.put(job)
        return job.result

    def close(self) -> None:
        """End every process, whatever it is doing."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job.result.cancel()
        for process in self._processes:
            self._jobs.put(None)
            process.end()

    def _own(self, process: "_Process") -> None:
        while (job := self._jobs.get()) is not None:
            if not job.result.set_running_or_notify_cancel():
                continue
            try:
                job.result.set_result(process.call(job))
            except BaseException as error:
                job.result.set_exception(error)
        process.end()


class _Process:
    """One helper process and the connection to it."""

    def __init__(self) -> None:
        self._popen: subprocess.Popen | None = None
        self._connection: Any = None
        self._loaded: set[str] = set()
        self._lock = threading.Lock()  # starting and ending may meet
        self._ended = False

    def call(self, job: _Job) -> Any:
        try:
            message = pickle.dumps(("call", job.function.key, dict(job.arguments)))
        except Exception as error:
            return Failure(f"its arguments cannot be sent to a helper process: {error}")
        try:
            self._load(job.function)
            answer = self._ask(message, job.timeout)
        except TimeoutError:
            self.kill()
            return Failure(f"took longer than {job.timeout:g} s and was stopped", hung=True)
        except (EOFError, OSError):
            if self._ended:
                raise RunFailed("the rewards were closed while they ran") from None
            code = self._popen.wait(timeout=5) if self._popen is not None else None
            self.kill()
            return Failure(f"its process died{_cause(code)}")
        try:
            return _opened(answer)
        except (InputError, RunFailed):
            raise
        except Exception as error:
            return Failure(f"returned what cannot be read back: {error}")

    def end(self) -> None:
        """Kill it for good."""
        with self._lock:
            self._ended = True
        self.kill()

    def kill(self) -> None:
        popen, self._popen = self._popen, None
        if popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(popen.pid, signal.SIGKILL)  # its own session: what the function started goes with it
            popen.wait()

    def _load(self, function: Loadable) -> None:
        if self._popen is None or self._popen.poll() is not None:
            self._start()
        if function.key in self._loaded:
            return
        try:
            answer = self._ask(pickle.dumps(("load", function.key, function.how, function.what)), _START)
        except TimeoutError:
            self.kill()
            raise InputError(f"its module took longer than {_START:g} s to import in a helper process") from None
        _opened(answer)
        self._loaded.add(function.key)

    def _start(self) -> None:
        ours, theirs = Pipe()
        with theirs, self._lock:
            if self._ended:
                raise RunFailed("the helper processes of the rewards were closed")
            command = [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), str(os.getpid()), *sys.path]
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={"OMP_NUM_THREADS": "1"} | os.environ,
            )
        self._connection, self._loaded = ours, set()
        try:
            self._receive(_START)
        except (TimeoutError, EOFError, OSError) as error:
            self.kill()
            raise RunFailed("a helper process for rewards did not start; what it printed is above") from error

    def _ask(self, message: bytes, timeout: float | None) -> bytes:
        self._connection.send_bytes(message)
        return self._receive(timeout)

    def _receive(self, timeout: float | None) -> bytes:
        if not self._connection.poll(timeout):
            raise TimeoutError
        return self._connection.recv_bytes()


def _opened(message: bytes) -> Any:
    answer = pickle.loads(message)
    if answer[0] == "input":
        raise InputError(answer[1])
    if answer[0] == "raised":
        return Failure(f"raised {answer[1]}")
    return answer[1] if len(answer) > 1 else None


def _cause(code: int | None) -> str:
    if code is None:
        return ""
    return f" (signal {signal.Signals(-code).name}: out of memory, or a crash of native code)" if code < 0 else f" (exit code {code})"
