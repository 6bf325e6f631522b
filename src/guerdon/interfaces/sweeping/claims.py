"""Claims: who runs a run. A lock on a file in its folder, held by the sweep and by the process that trains: gone when both are, however they ended."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from guerdon.errors import InputError

FILE = "claim.lock"


class Claim:
    """A lock on a folder; ``taken`` says whether it was free. The file stays, what counts is the lock."""

    def __init__(self, folder: Path):
        try:
            import fcntl
        except ImportError as error:
            raise InputError(
                "guerdon sweep needs file locks, which this system does not have; run the settings one by one with guerdon train"
            ) from error
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / FILE).open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.taken = True
        except BlockingIOError:
            self._file.close()
            self.taken = False

    @property
    def number(self) -> int:
        """The open file, to be handed to the process that trains."""
        return self._file.fileno()

    def release(self) -> None:
        """Give the folder back; a process that was handed the file goes on holding it."""
        self._file.close()

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
