"""Worker: what runs in a helper process. It holds reward functions, calls them as it is told, and is killed when one of them hangs.

It is started as a fresh interpreter, neither forked (torch's threads do not survive that) nor through ``multiprocessing`` (whose spawning
runs the user's script again unless it is guarded). Messages are pickles, each one way in turn:

    ("load", key, "named", text) or ("load", key, "pickled", bytes)   ->  ("loaded",) or ("input", sentence)
    ("call", key, arguments)                                          ->  ("value", value), ("raised", sentence), ("unsent", sentence) or
                                                                          ("input", sentence)
    ("each", key, arguments, rows, seconds)                           ->  lists of these, one for every row, as they are found

"each" is for verifiers of the library: a row is a call of ``judge`` on a batch of one, which an alarm ends after ``seconds``, and for every row that
is begun a byte is written to ``progress``, so that the other end knows which one it was that no alarm could end. They run in a process that
is ``confined``, and sends nothing but numbers and texts. A child that a function forked and let return ends, as it is not the one that was asked. What
another function prints goes where the run prints.
"""

import contextlib
import ctypes
import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback import confinement
from guerdon.feedback.loading import load

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


_FLUSH = 0.02  # seconds for which verdicts are collected before they are sent


class _Late(BaseException):
    """The alarm rang."""


def serve(descriptor: int, parent: int, progress: int | None = None) -> None:
    """Answer messages until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides what an interrupt means
    with contextlib.suppress(AttributeError, OSError):  # only Linux can; elsewhere a hung helper outlives a killed run
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if progress is not None:
        confinement.isolate()
    connection = Connection(descriptor)
    functions: dict[str, Callable[..., Any]] = {}
    own = os.getpid()
    _send(connection, ("ready",))
    while os.getppid() == parent:
        try:
            message = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        if message[0] == "load":
            answers = iter([_load(functions, *message[1:])])
        elif message[0] == "call":
            answers = iter([_call(functions[message[1]], message[2])])
        else:
            answers = _each(functions[message[1]], progress, *message[2:])
        for answer in answers:
            if os.getpid() != own:
                os._exit(0)
            try:
                message = pickle.dumps(answer)
            except Exception as error:
                message = pickle.dumps(("unsent", sentence(error)))
            try:
                connection.send_bytes(message)
            except OSError:  # nobody listens any more, or the function closed what is not its own
                os._exit(1)


def sentence(error: BaseException) -> str:
    """An exception in one line: its type, what it says, and the line of the user's code that raised it."""
    try:
        told = str(error)
    except Exception:
        told = "what it says cannot be shown"
    said = f"{type(error).__name__}: {told}" if told else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in frames if os.path.basename(frame.filename) not in ("worker.py", "running.py", "adapters.py")]
    return f"{said} ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else said


def _load(functions: dict[str, Callable[..., Any]], key: str, how: str, what: Any) -> tuple[Any, ...]:
    try:
        functions[key] = load(what) if how == "named" else pickle.loads(what)
        prepare = getattr(functions[key], "prepare", None)
        if prepare is not None:
            prepare()
    except InputError as error:
        return "input", str(error)
    except BaseException as error:
        return "input", f"it cannot be loaded in a helper process: {sentence(error)}"
    return ("loaded",)


def _call(function: Callable[..., Any], arguments: dict[str, Any]) -> tuple[Any, ...]:
    try:
        return "value", function(**arguments)
    except InputError as error:
        return "input", str(error)
    except _Late:
        raise
    except BaseException as error:
        return "raised", sentence(error)


def _each(function: Any, progress: int, arguments: Mapping[str, list[Any]], rows: int, seconds: float) -> Iterator[list[tuple[Any, ...]]]:
    """The verdicts on the rows, several at once where they come fast."""
    confinement.restrict()
    confinement.allow_seconds(2 * seconds * rows)
    signal.signal(signal.SIGALRM, _ring)
    confinement.refusals()  # of what was loaded before
    found: list[tuple[Any, ...]] = []
    sent = time.monotonic()
    for row in range(rows):
        if found and time.monotonic() - sent > _FLUSH:
            yield found
            found, sent = [], time.monotonic()
        with contextlib.suppress(BlockingIOError):
            os.write(progress, b".")
        answer = _timed(function.judge, {name: [values[row]] for name, values in arguments.items()}, seconds)
        refused = confinement.refusals()
        if refused and answer[0] == "value":
            answer = "raised", refused[0]  # the scorer may have taken the refusal for one of its own errors
        found.append(answer)
    yield found


def _timed(function: Callable[..., Any], arguments: dict[str, Any], seconds: float) -> tuple[Any, ...]:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        answer = _call(function, arguments)
        return _plain(answer[1][0]) if answer[0] == "value" else answer
    except _Late:
        return "late", seconds
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _plain(value: Any) -> tuple[Any, ...]:
    """A verdict as nothing but a number."""
    try:
        return "value", None if value is None else float(value)
    except Exception as error:
        return "raised", sentence(error)


def _ring(number: int, frame: Any) -> None:
    raise _Late


def _send(connection: Connection, answer: tuple[Any, ...]) -> None:
    connection.send_bytes(pickle.dumps(answer))
