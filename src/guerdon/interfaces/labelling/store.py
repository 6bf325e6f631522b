"""Store: entries in SQLite, in a folder of their own. Entries are added and never changed: an undo is an entry, too.

One entry is one transaction in WAL mode with ``synchronous=FULL``, so what was acknowledged is on the disk: a kill -9 loses nothing, nor does a machine that goes dark.
An entry that is sent again (the page asks again where it got no answer) is known by its key and stands once.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.training.writing import writing

FILE = "labels.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS token (annotator TEXT PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lease (item TEXT, annotator TEXT, since REAL NOT NULL, until REAL NOT NULL, PRIMARY KEY (item, annotator));
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, annotator TEXT NOT NULL, item TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('label', 'skip', 'undo')), answer TEXT, shown TEXT, note TEXT NOT NULL, seconds REAL,
  undoes INTEGER REFERENCES entry (id), key TEXT, UNIQUE (annotator, key));
CREATE TRIGGER IF NOT EXISTS entry_stays BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are only added to'); END;
CREATE TRIGGER IF NOT EXISTS entry_remains BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are only added to'); END;
"""


@dataclass(frozen=True)
class Entry:
    """What somebody did.

    Attributes:
        at: when, in seconds since 1970.
        what: label, skip or undo.
        answer: of a label, in the coordinates of the file.
        shown: the order in which the item's answers were shown.
        note: what was written beside a label; why something was skipped.
        seconds: how long it was looked at.
        undoes: of an undo, the entry that no longer stands.
        key: by which it is known if they send it again.
    """

    id: int
    at: float
    annotator: str
    item: str
    what: str
    answer: Mapping[str, Any] | None = None
    shown: tuple[int, ...] = ()
    note: str = ""
    seconds: float | None = None
    undoes: int | None = None
    key: str | None = None


@dataclass(frozen=True)
class Store:
    folder: Path
    connection: sqlite3.Connection

    def add(self, entry: Entry) -> Entry:
        """The entry as it is kept, with its id. When this returns it is on the disk."""
        shown = json.dumps(entry.shown)
        answer = None if entry.answer is None else json.dumps(entry.answer)
        values = (entry.at, entry.annotator, entry.item, entry.what, answer, shown, entry.note, entry.seconds, entry.undoes, entry.key)
        self.connection.execute("PRAGMA synchronous=FULL")
        with self.connection:
            made = self.connection.execute(
                "INSERT INTO entry (at, annotator, item, what, answer, shown, note, seconds, undoes, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return Entry(made.lastrowid, *(getattr(entry, name) for name in list(Entry.__dataclass_fields__)[1:]))

    def entries(self) -> Iterator[Entry]:
        """All of them, the oldest first."""
        columns = "id, at, annotator, item, what, answer, shown, note, seconds, undoes, key"
        for row in self.connection.execute(f"SELECT {columns} FROM entry ORDER BY id"):
            *first, answer, shown, note, seconds, undoes, key = row
            yield Entry(*first, None if answer is None else json.loads(answer), tuple(json.loads(shown)), note, seconds, undoes, key)

    def lease(self, item: str, annotator: str, since: float, until: float) -> None:
        """That somebody looks at an item. Nothing is lost with it, so the disk is not waited for."""
        self.connection.execute("PRAGMA synchronous=NORMAL")
        with self.connection:
            self.connection.execute("INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)", (item, annotator, since, until))

    def leases(self, now: float) -> dict[str, dict[str, tuple[float, float]]]:
        """Item → annotator → from when until when, of those that have not expired."""
        found: dict[str, dict[str, tuple[float, float]]] = {}
        for item, who, since, until in self.connection.execute("SELECT item, annotator, since, until FROM lease WHERE until > ?", (now,)):
            found.setdefault(item, {})[who] = (since, until)
        return found

    def about(self) -> dict[str, Any]:
        """What it is a store of."""
        return {name: json.loads(value) for name, value in self.connection.execute("SELECT name, value FROM about")}

    def describe(self, about: Mapping[str, Any]) -> None:
        """Say what it is a store of, before there is an entry."""
        with self.connection:
            self.connection.executemany(
                "INSERT OR REPLACE INTO about VALUES (?, ?)", [(name, json.dumps(value)) for name, value in about.items()]
            )

    def tokens(self, annotators: Sequence[str], new: Sequence[str]) -> dict[str, str]:
        """Annotator → token: the one that was given before, so that links stay good, else a new one."""
        with self.connection:
            self.connection.executemany("INSERT OR IGNORE INTO token VALUES (?, ?)", list(zip(annotators, new, strict=True)))
        known = dict(self.connection.execute("SELECT annotator, token FROM token"))
        return {annotator: known[annotator] for annotator in annotators}


@contextmanager
def kept(folder: Path) -> Iterator[Store]:
    """The store in a folder, to write into; made where there is none. One process at a time has it.

    Raises:
        InputError: another process has it, or it is none, or cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = writing(folder)
        lock.__enter__()
    except InputError as error:
        raise InputError(
            f"{folder} is in use: another 'guerdon label' serves it; open its page, stop it, or give another --store"
        ) from error
    except OSError as error:
        raise InputError(f"labels cannot be kept in {folder} ({error.strerror}); give another place with --store") from error
    try:
        with suppress(OSError):  # what it cannot make the database says
            (folder / FILE).touch(0o600)  # it holds tokens, and what stands beside it while it is open takes its mode
        connection = _connected(folder / FILE, f"{(folder / FILE).as_posix()}", False)
        try:
            yield Store(folder, connection)
        finally:
            connection.close()
    finally:
        lock.__exit__(None, None, None)


@contextmanager
def read(folder: Path) -> Iterator[Store]:
    """The store in a folder, to read from, also while it is written to.

    Raises:
        InputError: there is none.
    """
    if not (folder / FILE).exists():
        raise InputError(f"there are no labels in {folder}; label first, or say where they are with --store")
    connection = _connected(folder / FILE, f"{(folder / FILE).resolve().as_uri()}?mode=ro", True)
    try:
        yield Store(folder, connection)
    finally:
        connection.close()


def digest(rows: Sequence[Mapping[str, Any]]) -> str:
    """By which rows are known again."""
    found = hashlib.blake2b(digest_size=16)
    for row in rows:
        found.update(json.dumps(row, sort_keys=True, default=str).encode(errors="surrogatepass") + b"\n")
    return found.hexdigest()


def _connected(file: Path, place: str, uri: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(place, uri=uri, check_same_thread=False, timeout=10)
    try:
        if not uri:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_SCHEMA)
        connection.execute("SELECT id, key FROM entry LIMIT 1")
    except sqlite3.Error as error:
        connection.close()
        raise InputError(f"{file} is no store of labels that can be read ({error}); give another --store") from error
    return connection
