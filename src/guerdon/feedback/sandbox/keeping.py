"""Keeping: the handle on a keeper, a process that runs programs behind walls.

One program at a time; a keeper that does not answer in time is killed with all that is in it.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guerdon.errors import RunFailed
from guerdon.feedback.sandbox.levels import LEVELS, Level, command, left_open, readable
from guerdon.feedback.sandbox.limits import Limits

_START = 60.0  # seconds for an interpreter to start and to build its walls, on a busy machine
_GRACE = 5.0  # seconds between the end of a program's time and that of its keeper


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code (negative: a signal), whether its time was over, seconds of the processor; and what it printed and answered."""

    code: int
    late: bool
    cpu: float
    printed: bytes = b""
    answered: bytes = b""


class Keeper:
    """A keeper of a level.

    Raises:
        OSError: the level is not to be had here; the sentence says why.
    """

    def __init__(self, level: Level, examines: bool = False, packages: tuple[str, ...] = (), size: int = Limits.disk) -> None:
        self.level = level
        self._popen: subprocess.Popen | None = None
        self._folder = tempfile.mkdtemp(prefix="guerdon-sandbox-")
        places = readable(packages)
        settings = {
            "kind": level.name,
            "readable": places,
            "folder": self._folder,
            "size": size,
            "examines": examines,
            "packages": packages,
        }
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                words = command(level, theirs.fileno(), json.dumps(settings), places, size)
                if words is None:
                    raise OSError("it is not installed")
                self._popen = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env={"PYTHONHASHSEED": "0"},
                    cwd="/",
                    start_new_session=True,
                )
            said = self._answer(_START)
            if "error" in said:
                raise OSError(said["error"])
        except (EOFError, OSError, ValueError) as error:
            self.close()
            raise OSError(f"{level.name}: {error or 'it did not start'}") from error
        self.left_open = left_open(level, said["filter"])
        if level.name in ("bubblewrap", "namespaces"):
            os.rmdir(self._folder)  # its own world has another

    def begin(self, job: dict[str, Any], limits: Limits, given: bytes = b"", ends: tuple[int, int] | None = None) -> Callable[[], Ended]:
        """Start a run; what is returned waits for its end. ``ends``: descriptors by which it answers and is asked, instead of writing answers down.

        Raises:
            RunFailed: the keeper is gone.
        """
        files = [_file(json.dumps(job).encode("utf-8", "surrogatepass")), _file(given), _file(b"")]
        files += [_file(b"")] if ends is None else []
        told = {"memory": limits.memory, "processes": limits.processes, "seconds": limits.seconds, "files": limits.output}
        try:
            socket.send_fds(self._control, [json.dumps(told).encode()], [*files, *(ends or ())])
        except OSError as error:
            for file in files:
                os.close(file)
            raise RunFailed("a keeper of programs is gone") from error

        def wait() -> Ended:
            try:
                said = self._answer(limits.seconds + _GRACE)
                return Ended(
                    **said, printed=_content(files[2], limits.output), answered=_content(files[-1], limits.output) if ends is None else b""
                )
            except (TimeoutError, EOFError, OSError, ValueError):
                self.close()
                return Ended(-signal.SIGKILL, late=True, cpu=0.0)
            finally:
                for file in files:
                    os.close(file)

        return wait

    def run(self, job: dict[str, Any], limits: Limits, given: bytes = b"") -> Ended:
        """A run from its beginning to its end."""
        return self.begin(job, limits, given)()

    def stop(self) -> None:
        """End what runs."""
        with contextlib.suppress(OSError):
            self._control.send(b'{"stop":true}')

    @property
    def alive(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def close(self) -> None:
        """Kill it, and with it everything that runs in it."""
        popen, self._popen = self._popen, None
        self._control.close()  # which it takes for its end, should it outlive what follows
        if popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answer(self, seconds: float) -> dict[str, Any]:
        self._control.settimeout(seconds)
        message = self._control.recv(1 << 16)
        if not message:
            raise EOFError("it ended")
        return json.loads(message)


def strongest(
    examines: bool = False, packages: tuple[str, ...] = (), size: int = Limits.disk, levels: tuple[str, ...] | None = None
) -> Keeper:
    """A keeper of the strongest level that is to be had here.

    Raises:
        RunFailed: there is none at all.
    """
    why = []
    for level in LEVELS:
        if levels is None or level.name in levels:
            try:
                return Keeper(level, examines, packages, size)
            except OSError as error:
                why.append(str(error))
    raise RunFailed(f"programs cannot be run here: {'; '.join(why)}")


def _file(content: bytes) -> int:
    """A file in memory that goes when nobody has it open any more."""
    file = os.memfd_create("program") if hasattr(os, "memfd_create") else _unlinked()
    with os.fdopen(os.dup(file), "wb") as opened:
        opened.write(content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _unlinked() -> int:
    file, place = tempfile.mkstemp()
    os.unlink(place)
    return file


def _content(file: int, most: int) -> bytes:
    return os.pread(file, most, 0)
