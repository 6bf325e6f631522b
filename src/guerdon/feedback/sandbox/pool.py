"""Pool: keepers that stay, and are lent for one program at a time.

The first program waits for a keeper to start (a few tenths of a second); as many are started as are asked for at once, up to ``count``. A keeper
that died is replaced by the next one that is needed. They end with this process; a fork has its own.
"""

import atexit
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from guerdon.errors import InputError
from guerdon.feedback.sandbox.keeping import Keeper, strongest
from guerdon.saying import say


@dataclass(frozen=True)
class Box:
    """Which keepers: alike ones are shared by all that run programs.

    Attributes:
        require_isolation: refuse where a program could reach something.
        packages: folders with packages that programs may import.
        disk: bytes of a program's folder.
        levels: those that may be tried; None for all.
    """

    require_isolation: bool = False
    packages: tuple[str, ...] = ()
    disk: int = 16 * 2**20
    levels: tuple[str, ...] | None = None


class Pool:
    """Up to ``count`` keepers of one kind."""

    def __init__(self, box: Box, examines: bool, count: int) -> None:
        self._box, self._examines = box, examines
        self._idle: list[Keeper] = []
        self._room = threading.Semaphore(count)
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def lent(self) -> Iterator[Keeper]:
        """A keeper for one run.

        Raises:
            InputError: what there is here isolates nothing, and it has to.
        """
        with self._room:
            keeper = self._taken()
            try:
                yield keeper
            finally:
                with self._lock:
                    keep = keeper.alive and not self._closed
                    if keep:
                        self._idle.append(keeper)
                if not keep:
                    keeper.close()

    def _taken(self) -> Keeper:
        with self._lock:
            while self._idle:
                keeper = self._idle.pop()
                if keeper.alive:
                    return keeper
        keeper = strongest(self._examines, self._box.packages, self._box.disk, self._box.levels)
        if keeper.left_open and self._box.require_isolation:
            keeper.close()
            raise InputError(
                f"programs cannot be isolated on this machine, which leaves open {keeper.left_open}: install bubblewrap, allow user namespaces "
                "or Landlock, or set require_isolation=false"
            )
        if keeper.left_open:
            _warn(f"programs run on this machine without isolation, which does not protect from {keeper.left_open}")
        return keeper

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for keeper in idle:
            keeper.close()


@cache
def _warn(sentence: str) -> None:
    """Once, to whoever listens and to whoever does not."""
    warnings.warn(sentence, stacklevel=2)
    say(sentence)


_pools: dict[tuple[int, Box, bool, int], Pool] = {}
_lock = threading.Lock()


def size(workers: int) -> int:
    """How many programs run at once; 0: as many as there are processors."""
    return workers or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def pool(box: Box, examines: bool = False, count: int = 0) -> Pool:
    """The keepers of this process for ``box``, ``count`` at most."""
    count = size(count)
    key = os.getpid(), box, examines, count
    with _lock:
        if key not in _pools:
            _pools[key] = Pool(box, examines, count)
        return _pools[key]


@atexit.register
def close() -> None:
    """End every keeper of this process."""
    with _lock:
        own = [key for key in _pools if key[0] == os.getpid()]
        closing = [_pools.pop(key) for key in own]
    for one in closing:
        one.close()
