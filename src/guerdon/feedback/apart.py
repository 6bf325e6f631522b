"""Apart: verifiers of the library judge completions in a helper process that can do nothing else, and can be stopped.

    verdict = what ``judge`` says of the completion, or ``wrong`` where it raises, hangs, dies or does what is refused

A completion is a text that somebody is rewarded for: it must not be able to act, nor to escape its zero by breaking what judges it. A part
says that it is such a verifier by ``may_hang: ClassVar[bool] = True``, has ``wrong`` and a method ``judge`` in the signature of rewards, and calls
``judge_apart`` when it is called, so that it is safe wherever it is called from: a run, TRL, verl, Python. Only a call of ``judge`` itself judges in
the process where it is made.

The processes are shared by all that is judged here, and stay: the first completion waits for one to start and to import what the verifier
needs (seconds), a batch of others for two messages (a tenth of a millisecond) and what judging takes.
"""

import atexit
import hashlib
import os
import pickle
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from guerdon.feedback.calling import read_by
from guerdon.feedback.confinement import confined
from guerdon.feedback.helpers import Failure, Helpers, Loadable

TIMEOUT = 10.0  # seconds that the verdict on one completion may take where nobody said otherwise

_lock = threading.Lock()
_pools: dict[tuple[int, int], Helpers] = {}


def judge_apart(verifier: Any, timeout: float = TIMEOUT, **columns: list[Any]) -> list[Any]:
    """What ``verifier.judge(**columns)`` says of each row, a failure being ``verifier.wrong``."""
    if confined():
        return verifier.judge(**read_by(verifier.judge, columns))
    return [verifier.wrong if isinstance(value, Failure) else value for value in submit(verifier, columns, timeout).result()]


def submit(verifier: Any, columns: Mapping[str, list[Any]], timeout: float, count: int = 1) -> Future:
    """A list with the verdict or the ``Failure`` of every row, to come from one of ``count`` processes."""
    return shared(count).submit_each(_loadable(verifier), read_by(verifier.judge, columns), len(columns["completions"]), timeout)


def shared(count: int) -> Helpers:
    """The processes of this process; a fork has its own."""
    with _lock:
        place = os.getpid(), count
        if place not in _pools:
            _pools[place] = Helpers(count, confined=True)
        return _pools[place]


def judged_apart(function: Callable[..., Any]) -> bool:
    """Whether a reward is a verifier of ours that judges in a process of its own."""
    ours = (getattr(function, "__module__", None) or "").partition(".")[0] == "guerdon"
    return ours and bool(getattr(function, "may_hang", False)) and hasattr(function, "judge")


def _loadable(verifier: Any) -> Loadable:
    pickled = pickle.dumps(verifier)
    return Loadable(hashlib.sha1(pickled).hexdigest(), "pickled", pickled)


@atexit.register
def _close() -> None:
    for (process, _), pool in _pools.items():
        if process == os.getpid():
            pool.close()
