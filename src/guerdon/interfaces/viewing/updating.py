"""Updating: a thread that brings the indices up to date while the page is looked at."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from guerdon.interfaces.viewing.showing import Shown

PAUSE = 1.0  # seconds between two looks at files that do not grow


@contextmanager
def updating(shown: Sequence[Shown], pause: float = PAUSE) -> Iterator[None]:
    """Take in what the runs write, until the end. What goes wrong with one is told on its page, and tried again."""
    over = threading.Event()

    def go() -> None:
        while not over.is_set():
            grown = sum(_updated(one) for one in shown)  # a chunk of each in turn
            if not grown:
                over.wait(pause)

    thread = threading.Thread(target=go, name="guerdon-viewer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _updated(one: Shown) -> bool:
    try:
        more = one.index.update()
        one.error = ""
        return more
    except (sqlite3.Error, OSError) as error:
        one.error = f"the index cannot be brought up to date ({error}); is the disk full, or the file gone?"
        return False
