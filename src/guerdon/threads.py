"""Threads: something that goes on beside this thread, and is waited for so that Ctrl-C is heard."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


def beside(name: str, function: Callable[..., Any], *arguments: Any) -> Future:
    """Run a function in a thread of that name, which does not keep the interpreter from ending."""
    future: Future = Future()

    def run() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name=name).start()
    return future


def waited(future: Future) -> Any:
    """The future's result; looks up twice a second, since waiting for a lock is not always interrupted."""
    while not future.done():
        with contextlib.suppress(TimeoutError):
            future.exception(0.5)
    return future.result()
