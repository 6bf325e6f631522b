"""Stopping: what happens at Ctrl-C, and at the SIGTERM with which clusters and containers announce the end, is said for as long as something lasts."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def when_asked_to_stop(handle: Callable[[int], None]) -> Iterator[None]:
    """Within, ``handle`` is called with the signal's number, and nothing else happens. In a thread, which gets no signals, this does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda number, frame: handle(number)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
