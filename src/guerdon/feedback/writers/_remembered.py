"""Remembered: answers on disk, by everything that decides them."""

import contextlib
import hashlib
import json
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guerdon.feedback.writers import Answer, Question, question_text
from guerdon.keeping import cache_folder
from guerdon.saying import say


class Remembered:
    """Answers of one writer, described by ``about``. A file that cannot be opened or written is done without, and that is said once."""

    def __init__(self, about: Mapping[str, Any], folder: Path | None = None):
        self._about = json.dumps(about, sort_keys=True, default=str)
        self._place = (folder or cache_folder("answers")) / "answers.sqlite"
        self._lock = threading.Lock()
        self._broken = False
        self._open: sqlite3.Connection | None = None

    def get(self, question: Question) -> Answer | None:
        """What was answered before; it costs nothing now."""
        row = self._do("SELECT answer FROM answers WHERE key = ?", (self._key(question),))
        if not row:
            return None
        found = json.loads(row[0])
        likely = found.pop("likely")
        return Answer(**found, likely=None if likely is None else tuple(likely))

    def put(self, question: Question, answer: Answer) -> None:
        self._do("INSERT OR REPLACE INTO answers VALUES (?, ?)", (self._key(question), json.dumps(vars(answer))))

    def _key(self, question: Question) -> str:
        text = self._about + question_text(question)
        return hashlib.sha256(text.encode()).hexdigest()

    def _do(self, statement: str, values: tuple[Any, ...]) -> Any:
        with self._lock, contextlib.suppress(_Without):
            try:
                return self._books().execute(statement, values).fetchone()
            except (sqlite3.Error, OSError) as error:
                self._broken = True
                say(f"answers of the judge are not remembered: {self._place} cannot be used ({error})")
        return None

    def _books(self) -> sqlite3.Connection:
        if self._broken:
            raise _Without
        if self._open is None:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            self._open = sqlite3.connect(self._place, timeout=30, isolation_level=None, check_same_thread=False)
            self._open.execute("PRAGMA journal_mode = WAL")
            self._open.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT)")
        return self._open


class _Without(Exception):
    """There is no file."""
