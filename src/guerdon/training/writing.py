"""Writing: one process at a time writes into the folder of a run.

The lock is the operating system's (``fcntl``, on ``.lock`` in the folder), so it ends with the process, however that ends: after kill -9 nothing stale is
left. The file says who holds it. Where the system, or the file system, has no such locks (Windows, some network drives), a living process of
this machine that the file names counts as the holder.
"""

import contextlib
import errno
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from guerdon.errors import InputError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
_held: dict[Path, int] = {}  # folders that this process writes, and how often it has begun to


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """No other process writes into ``folder`` meanwhile. In the process that does, it may be nested.

    Raises:
        InputError: another process writes there.
    """
    place = folder.resolve()
    if place in _held:
        _held[place] += 1
        try:
            yield
        finally:
            _held[place] -= 1
        return
    file = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(file, folder)
        _held[place] = 1
        try:
            yield
        finally:
            del _held[place]
            os.ftruncate(file, 0)
    finally:
        os.close(file)  # and with it the lock


def _take(file: int, folder: Path) -> None:
    try:
        if fcntl is None:
            raise OSError(errno.ENOTSUP, "no locks")
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of the process: children that are forked do not hold it when it is killed
    except OSError as error:
        holder = _holder(file)
        if error.errno in (errno.EACCES, errno.EAGAIN) or _alive(holder):
            where = "" if holder.get("host") in (None, platform.node()) else f" on {holder['host']}"
            raise InputError(
                f"{folder} is being written by process {holder.get('process', 'unknown')}{where} (started {holder.get('started', 'just now')}); "
                "wait until it has ended, stop it, or give another folder (run=...)"
            ) from None
    os.ftruncate(file, 0)
    about = {"process": os.getpid(), "host": platform.node(), "started": time.strftime("%Y-%m-%d %H:%M:%S")}
    os.pwrite(file, json.dumps(about).encode(), 0)


def _holder(file: int) -> Mapping[str, Any]:
    try:
        found = json.loads(os.pread(file, 4096, 0))
    except ValueError:  # it is just being written
        return {}
    return found if isinstance(found, dict) else {}


def _alive(holder: Mapping[str, Any]) -> bool:
    """Whether the process that a file names lives on this machine."""
    process = holder.get("process")
    if holder.get("host") != platform.node() or not isinstance(process, int) or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
