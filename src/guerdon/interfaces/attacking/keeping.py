"""Keeping: whatever was found is written down at once, under a key of all that it depends on, and is not asked for again."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from guerdon.errors import InputError


def key_of(*parts: Any) -> str:
    """A key of plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[
        :24
    ]


class Kept:
    """A file of lines ``{"key": ..., "found": ...}`` that grows. A last line that was cut off by a kill is forgotten.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, path: Path):
        self.path = path
        self._found: dict[str, Any] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab+")
        except OSError as error:
            raise InputError(f"--out: {path} cannot be written ({error.strerror}); give another folder") from error
        self._file.seek(0)
        whole = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            try:
                told = json.loads(line)
                self._found[told["key"]] = told["found"]
            except (ValueError, TypeError, KeyError):  # damaged: it is found once more
                continue
        self._file.truncate(whole)
        self._earlier, self._again = frozenset(self._found), set[str]()

    def __contains__(self, key: str) -> bool:
        return key in self._found

    def __getitem__(self, key: str) -> Any:
        return self._found[key]

    @property
    def before(self) -> int:
        """How much of what was asked for was there when the file was opened."""
        return len(self._again)

    def wanted(self, keys: Iterable[str]) -> None:
        """Count those that were there when the file was opened."""
        self._again |= self._earlier.intersection(keys)

    def put(self, found: Iterable[tuple[str, Any]]) -> None:
        """Write down what was found, all of it or nothing of its last line."""
        lines = []
        for key, value in found:
            self._found[key] = value
            lines.append(json.dumps({"key": key, "found": value}, ensure_ascii=True) + "\n")
        self._file.write("".join(lines).encode())
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def shown(steps: Sequence[int], doing: str, silent: bool) -> Iterable[int]:
    """The steps, with a bar on the terminal while they are gone through."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return steps if silent or not console.is_terminal else track(steps, doing, console=console, transient=True)
