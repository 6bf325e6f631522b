"""Helpers: a few processes in which functions of the user's run, so that one that hangs or crashes costs its process and not the run.

Each process belongs to one thread here, which takes jobs from a common queue, sends them, and waits no longer than it was told; then it
kills the process and starts another with the next job.

Processes for verifiers of the library are ``confined`` (``guerdon.feedback.confinement``) and are asked for every row of a batch in turn
(``submit_each``): one that hangs or crashes on a row has spoiled that row and no other.
"""

import contextlib
import io
import os
import pickle
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing import Pipe
from typing import Any

from guerdon.errors import InputError, RunFailed
from guerdon.servers.keys import without_keys

_START = 120.0  # seconds for an interpreter to start, and for a function's module to be imported, on a busy machine
_GRACE = 1.0  # seconds between the alarm in a process and its end
_PROGRAM = """import sys
sys.path[:] = sys.argv[4:]
from guerdon.feedback.worker import serve
serve(*(int(word) if word else None for word in sys.argv[1:4]))"""
_KEPT = ("PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")  # without which an interpreter may not start


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
    rows: int | None = None  # to be judged one after another; None: one call
    result: Future = field(default_factory=Future)


class Helpers:
    """``count`` helper processes, started when they are first needed; ``confined`` ones may do nothing but judge."""

    def __init__(self, count: int, confined: bool = False) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._processes = [_Process(confined) for _ in range(count)]
        self._closed = False
        for process in self._processes:
            threading.Thread(target=self._own, args=(process,), daemon=True, name="guerdon-reward-helper").start()

    def submit(self, function: Loadable, arguments: Mapping[str, Any], timeout: float | None) -> Future:
        """The value of a call, or the ``Failure`` it came to; an InputError where the function cannot be loaded or refuses its input."""
        return self._put(_Job(function, arguments, timeout))

    def submit_each(self, function: Loadable, arguments: Mapping[str, list[Any]], rows: int, timeout: float) -> Future:
        """A list with the value or the ``Failure`` of every row, each of which may take ``timeout``; errors as of ``submit``."""
        return self._put(_Job(function, arguments, timeout, rows))

    def _put(self, job: _Job) -> Future:
        if self._closed:
            raise RunFailed("the helper processes of the rewards were closed")
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
                job.result.set_result(process.call(job) if job.rows is None else process.each(job, job.rows))
            except BaseException as error:
                job.result.set_exception(error)
        process.end()


class _Plain(pickle.Unpickler):
    """Reads numbers and texts, and lists and tuples of them: a process that judges what others wrote is not trusted with more."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is no number and no text")


class _Process:
    """One helper process and the connection to it."""

    def __init__(self, confined: bool) -> None:
        self._confined = confined
        self._folder: str | None = None  # the empty one in which it runs, if confined
        self._progress: int | None = None  # where it writes a byte for every row that it begins, if confined
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
            return _late(job.timeout)
        except (EOFError, OSError):
            return self._died()
        try:
            return _opened(answer)
        except (InputError, RunFailed):
            raise
        except Exception as error:
            return Failure(f"returned what cannot be read back: {error}")

    def each(self, job: _Job, rows: int) -> list[Any]:
        found: dict[int, Any] = {}
        while rest := [row for row in range(rows) if row not in found]:
            arguments = {name: [values[row] for row in rest] for name, values in job.arguments.items()}
            try:
                message = pickle.dumps(("each", job.function.key, arguments, len(rest), job.timeout))
            except Exception as error:
                raise InputError(f"the columns that it reads cannot be sent to a helper process: {error}") from error
            self._load(job.function)
            waiting = iter(rest)
            self._written()  # of what was judged before
            try:
                self._connection.send_bytes(message)
                for _ in range(len(rest)):
                    for answer in _Plain(io.BytesIO(self._receive(job.timeout + _GRACE))).load():
                        found[next(waiting)] = _value(answer)
                    if rest[-1] in found:
                        break
            except (InputError, RunFailed):
                self.kill()  # it may still be writing
                raise
            except pickle.UnpicklingError:
                at = self._begun(rest)
                self.kill()
                found[at] = Failure("answered with what is no verdict")
            except TimeoutError:
                at = self._begun(rest)
                self.kill()
                found[at] = _late(job.timeout)  # rows before it whose verdicts were not sent yet are judged again
            except (EOFError, OSError):
                at = self._begun(rest)
                found[at] = self._died()
        return [found[row] for row in range(rows)]

    def _begun(self, rows: list[int]) -> int:
        """The row of these that the process is or was at."""
        return rows[min(max(self._written(), 1), len(rows)) - 1]

    def _written(self) -> int:
        """How many rows it began since the last call."""
        try:
            return len(os.read(self._progress, 2**20)) if self._progress is not None else 0
        except BlockingIOError:
            return 0

    def _died(self) -> Failure:
        if self._ended:
            raise RunFailed("the rewards were closed while they ran") from None
        code = self._popen.wait(timeout=5) if self._popen is not None else None
        self.kill()
        return Failure(f"ended its process{_cause(code)}")

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
        progress, self._progress = self._progress, None
        if progress is not None:
            os.close(progress)
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

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
            path = [os.path.abspath(place) for place in sys.path]  # "" is where we are, not where it will be
            telling = self._watched() if self._confined else None
            passed = [theirs.fileno()] + ([] if telling is None else [telling])
            command = [
                sys.executable,
                "-c",
                _PROGRAM,
                str(theirs.fileno()),
                str(os.getpid()),
                "" if telling is None else str(telling),
                *path,
            ]
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=passed,
                start_new_session=True,
                cwd=self._folder,
                env=_bare() if self._confined else {"OMP_NUM_THREADS": "1"} | without_keys(os.environ),
            )
            if telling is not None:
                os.close(telling)
        self._connection, self._loaded = ours, set()
        try:
            self._receive(_START)
        except (TimeoutError, EOFError, OSError) as error:
            self.kill()
            raise RunFailed("a helper process for rewards did not start; what it printed is above") from error

    def _watched(self) -> int:
        """An empty folder to run in, and a pipe to tell through which row is begun: its end that is written to."""
        self._folder = tempfile.mkdtemp(prefix="guerdon-judging-")
        self._progress, telling = os.pipe()
        for end in (self._progress, telling):
            os.set_blocking(end, False)
        return telling

    def _ask(self, message: bytes, timeout: float | None) -> bytes:
        self._connection.send_bytes(message)
        return self._receive(timeout)

    def _receive(self, timeout: float | None) -> bytes:
        if not self._connection.poll(timeout):
            raise TimeoutError
        return self._connection.recv_bytes()


def _bare() -> dict[str, str]:
    """The environment of a confined process; the same hashes everywhere, so that a verdict does not depend on the process."""
    own = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return own | {name: os.environ[name] for name in _KEPT if name in os.environ}


def _late(timeout: float | None) -> Failure:
    return Failure(f"took longer than {timeout:g} s and was stopped", hung=True)


def _opened(message: bytes) -> Any:
    return _value(pickle.loads(message))


def _value(answer: tuple[Any, ...]) -> Any:
    if answer[0] == "input":
        raise InputError(answer[1])
    if answer[0] == "late":
        return _late(answer[1])
    if answer[0] == "unsent":
        return Failure(f"returned what cannot be sent back from its process: {answer[1]}")
    if answer[0] == "raised":
        return Failure(f"raised {answer[1]}")
    return answer[1] if len(answer) > 1 else None


def _cause(code: int | None) -> str:
    if code is None:
        return ""
    return f" (signal {signal.Signals(-code).name}: out of memory, or a crash of native code)" if code < 0 else f" (exit code {code})"
