"""Index: what a run's files hold, in SQLite, brought up to date as they grow.

    index = Index(folder)
    while index.update(): ...        a chunk at a time
    index.db                         a connection of this thread, to ask it

It lies in the run's folder, in ``.viewer``, or, where that cannot be written, in a folder of the user's own beside other temporary files. It can be deleted at any time.
Several processes may use it at once: a chunk of lines and how far it reached are one transaction, so that each line is taken in once. Texts are searched by three letters
at a time (FTS5, trigram), of which the index holds no copy; whole rows are read from the run's file, where each begins at a known byte."""

import hashlib
import json
import os
import sqlite3
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.viewing.following import SCHEMA as FOLLOWED
from guerdon.interfaces.viewing.following import next_lines, read_to, state
from guerdon.interfaces.viewing.rows import Rollout, metrics, rollout, table
from guerdon.interfaces.viewing.texts import excerpt

NAME = "index-1.sqlite"  # another number for another schema
WAIT = 20  # seconds for another process that writes
FILES = ("metrics.jsonl", "tokens.jsonl", "completions.jsonl")  # in the order in which they are taken in: the short ones first
SCHEMA = """
create table if not exists counted (name text primary key, count integer not null) without rowid;
create table if not exists names (id integer primary key, name text unique not null);
create table if not exists metrics (name integer, step integer, value real not null, primary key (name, step)) without rowid;
create table if not exists tokens (step integer primary key, start integer not null);
create table if not exists prompts (id integer primary key autoincrement, digest blob unique not null, excerpt text not null);
create table if not exists rollouts (
    id integer primary key autoincrement, start integer not null, step integer not null, test integer not null, place integer not null, prompt integer not null,
    reward real, valid integer not null, failed integer not null, cut integer not null, length integer not null, turns integer not null, forked integer not null,
    excerpt text not null, components text not null
);
create index if not exists by_step on rollouts (test, step, place);
create index if not exists by_prompt on rollouts (prompt, test, step, place);
create index if not exists by_reward on rollouts (test, reward);
create index if not exists by_length on rollouts (test, length);
create index if not exists by_turns on rollouts (test, turns);
create index if not exists by_start on rollouts (start);
create index if not exists failed on rollouts (id) where failed;
create index if not exists cut on rollouts (id) where cut;
create index if not exists forked on rollouts (id) where forked;
create table if not exists components (name integer, test integer, value real not null, rollout integer, primary key (name, test, value, rollout)) without rowid;
create index if not exists scored on components (rollout);
create virtual table if not exists said using fts5(text, content='', tokenize='trigram');
create virtual table if not exists asked using fts5(text, content='', tokenize='trigram');
"""


class Index:
    """The index of one run.

    Raises:
        InputError: it can be written nowhere.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._local, self._lock = threading.local(), threading.Lock()
        self._seen: dict[str, tuple[str, int, int]] = {}  # what the files were like when nothing was left to read
        self._left: dict[str, tuple[int, int]] = {}
        self.path = self._place()

    @property
    def db(self) -> sqlite3.Connection:
        """This thread's connection."""
        if not hasattr(self._local, "db"):
            self._local.db = _opened(self.path)
        return self._local.db

    @property
    def version(self) -> int:
        """Another number whenever something was taken in."""
        return self._counted("version")

    @property
    def damaged(self) -> int:
        """Lines that could not be read and were left out."""
        return self._counted("damaged")

    @property
    def share(self) -> float:
        """How much of the files is taken in."""
        done, total = (sum(column) for column in zip(*self._left.values(), strict=True)) if self._left else (1, 1)
        return min(done / total, 1.0) if total else 1.0

    def update(self) -> bool:
        """Take in the next chunk of what is new; False where there is nothing."""
        with self._lock:
            return any(self._updated(name) for name in FILES)

    def row(self, start: int, file: str = "completions.jsonl") -> dict[str, Any]:
        """The whole line that begins at a byte of a file; empty where there is none any more."""
        with suppress(OSError), (self.folder / file).open("rb") as opened:
            opened.seek(start)
            return table(opened.readline()) or {}
        return {}

    def name(self, text: str) -> int | None:
        """The number of a metric's or component's name."""
        found = self.db.execute("select id from names where name = ?", (text,)).fetchone()
        return None if found is None else found[0]

    # where it lies

    def _place(self) -> Path:
        tried = None
        for folder in (self.folder / ".viewer", _temporary(self.folder)):
            with suppress(OSError, sqlite3.OperationalError):
                folder.mkdir(mode=0o755 if folder.parent == self.folder else 0o700, parents=True, exist_ok=True)
                tried = folder / NAME
                return self._begun(tried)
        raise InputError(
            f"the index of {self.folder} can be written neither there nor into {tempfile.gettempdir()}; make room, or set TMPDIR"
        )

    def _begun(self, path: Path) -> Path:
        """Where the index is, made where there is none; a file that is no index is made anew."""
        try:
            db = _opened(path)
            db.execute("pragma journal_mode=wal")  # who reads does not wait for who writes
            db.executescript(FOLLOWED + SCHEMA)
            db.execute("insert or replace into counted values ('opened', 1)")  # also to see that it can be written
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            return self._begun(path)
        db.close()
        return path

    # taking in

    def _updated(self, name: str) -> bool:
        path = self.folder / name
        now = state(path)
        if self._seen.get(name) == now:
            return False
        db = self.db
        db.execute("begin immediate")
        try:
            start = read_to(db, path)
            if name != "metrics.jsonl":
                self._forget(name, start)
            elif not start:
                db.execute("delete from metrics")
            lines, stop = next_lines(db, path, start)
            if lines:
                getattr(self, f"_take_{path.stem}")(lines)
                self._count("version", 1)
            db.execute("commit")
        except BaseException:
            db.execute("rollback")
            raise
        self._left[name] = stop, now[1] if lines else stop
        if not lines:
            self._seen[name] = now
        return bool(lines)

    def _forget(self, name: str, start: int) -> None:
        """What was read from a byte on is not there any more. What was said by it stays in the index of texts, and belongs to no rollout."""
        if name == "tokens.jsonl":
            self.db.execute("delete from tokens where start >= ?", (start,))
            return
        gone = "select id from rollouts where start >= ?"
        if self.db.execute(gone, (start,)).fetchone() is not None:
            self.db.execute(f"delete from components where rollout in ({gone})", (start,))
            self.db.execute("delete from rollouts where start >= ?", (start,))
            self._count("version", 1)

    def _take_metrics(self, lines: list[tuple[int, bytes]]) -> None:
        rows = [metrics(line) for _, line in lines]
        self._count("damaged", sum(row is None and bool(line.strip()) for row, (_, line) in zip(rows, lines, strict=True)))
        found = [(self._named(name), row[0], value) for row in rows if row is not None for name, value in row[1].items()]
        self.db.executemany("insert or replace into metrics values (?, ?, ?)", found)

    def _take_tokens(self, lines: list[tuple[int, bytes]]) -> None:
        found = [(row["step"], start) for start, line in lines if (row := table(line)) is not None]
        self.db.executemany("insert or replace into tokens values (?, ?)", found)

    def _take_completions(self, lines: list[tuple[int, bytes]]) -> None:
        next_place: dict[tuple[int, bool], int] = {}
        damaged = 0
        for start, line in lines:
            row = rollout(line)
            if row is None:
                damaged += bool(line.strip())
                continue
            if row.place is None:
                key = row.step, row.test
                if key not in next_place:
                    last = "select max(place) from rollouts where test = ? and step = ?"
                    found = self.db.execute(last, (row.test, row.step)).fetchone()[0]
                    next_place[key] = 0 if found is None else found + 1
                place = next_place[key]
                next_place[key] += 1
            else:
                place = row.place
            self._insert(start, row, place)
        self._count("damaged", damaged)

    def _insert(self, start: int, row: Rollout, place: int) -> None:
        excerpted = excerpt(row.said), json.dumps(dict(row.components))
        values = (start, row.step, row.test, place, self._prompt(row), *row.values, *excerpted)
        sql = f"insert into rollouts values (null, {', '.join('?' * len(values))})"
        number = self.db.execute(sql, values).lastrowid
        self.db.execute("insert into said (rowid, text) values (?, ?)", (number, row.said))
        scored = [(self._named(name), row.test, value, number) for name, value in row.components.items()]
        self.db.executemany("insert or replace into components values (?, ?, ?, ?)", scored)

    def _prompt(self, row: Rollout) -> int:
        found = self.db.execute("select id from prompts where digest = ?", (row.digest,)).fetchone()
        if found is not None:
            return found[0]
        number = self.db.execute("insert into prompts values (null, ?, ?)", (row.digest, excerpt(row.asked))).lastrowid
        self.db.execute("insert into asked (rowid, text) values (?, ?)", (number, row.asked))
        return number

    def _named(self, name: str) -> int:
        known = self.name(name)
        return self.db.execute("insert into names values (null, ?)", (name,)).lastrowid if known is None else known

    def _count(self, name: str, more: int) -> None:
        if more:
            sql = "insert into counted values (?, ?) on conflict (name) do update set count = count + excluded.count"
            self.db.execute(sql, (name, more))

    def _counted(self, name: str) -> int:
        found = self.db.execute("select count from counted where name = ?", (name,)).fetchone()
        return found[0] if found else 0


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    db.execute("pragma synchronous=normal")
    db.execute("pragma cache_size=-65536")
    return db


def _temporary(folder: Path) -> Path:
    """A folder that is this user's alone, another for each run."""
    own = Path(tempfile.gettempdir()) / f"guerdon-viewer-{os.getuid() if hasattr(os, 'getuid') else 'own'}"
    with suppress(FileExistsError):
        own.mkdir(mode=0o700)
    found = own.lstat()
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        own = Path(tempfile.mkdtemp(prefix="guerdon-viewer-"))
    return own / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
