"""Worker: what runs in a helper process. It holds reward functions, calls them as it is told, and is killed when one of them hangs.

It is started as a fresh interpreter, neither forked (torch's threads do not survive that) nor through ``multiprocessing`` (whose spawning
runs the user's script again unless it is guarded). Messages are pickles, each one way in turn:

    ("load", key, "named", text) or ("load", key, "pickled", bytes)   ->  ("loaded",) or ("input", sentence)
    ("call", key, arguments)                                          ->  ("value", value), ("raised", sentence) or ("input", sentence)

What a function prints goes where the run prints.
"""

import contextlib
import ctypes
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.loading import load

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def serve(descriptor: int, parent: int) -> None:
    """Answer messages until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides what an interrupt means
    with contextlib.suppress(AttributeError, OSError):  # only Linux can; elsewhere a hung helper outlives a killed run
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    connection = Connection(descriptor)
    functions: dict[str, Callable[..., Any]] = {}
    _send(connection, ("ready",))
    while os.getppid() == parent:
        try:
            message = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        answer = _load(functions, *message[1:]) if message[0] == "load" else _call(functions[message[1]], message[2])
        try:
            _send(connection, answer)
        except Exception as error:
            _send(connection, ("raised", f"what it returned cannot be sent back: {sentence(error)}"))


def sentence(error: BaseException) -> str:
    """An exception in one line: its type, what it says, and the line of the user's code that raised it."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
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
    except BaseException as error:
        return "raised", sentence(error)


def _send(connection: Connection, answer: tuple[Any, ...]) -> None:
    connection.send_bytes(pickle.dumps(answer))
