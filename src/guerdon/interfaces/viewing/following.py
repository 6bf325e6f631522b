"""Following: a file of whole lines that somebody else appends to, read on from where it was read to.

What was read is kept in chunks, each with where it lies and a digest. A last line without its end is waited for. Where the file is another one, or shorter, or no longer
ends its last chunk as it did (a run that was resumed forgets what came after its checkpoint), the chunks are compared from the first on, and what lies behind the last
that is still there is read again.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

CHUNK = 2**20  # bytes that are read, and kept, at once

SCHEMA = """
create table if not exists files (name text primary key, identity text not null) without rowid;
create table if not exists chunks (name text, start integer, stop integer not null, digest blob not null, primary key (name, start)) without rowid;
"""


def read_to(db: sqlite3.Connection, path: Path) -> int:
    """Up to which byte the file, as it is now, has been read. Chunks that are no longer there are forgotten."""
    chunks = db.execute("select start, stop, digest from chunks where name = ? order by start", (path.name,)).fetchall()
    try:
        with path.open("rb") as file:
            identity = _identity(file.fileno())
            known = db.execute("select identity from files where name = ?", (path.name,)).fetchone()
            sound = len(chunks) if known == (identity,) and (not chunks or _same(file, *chunks[-1])) else 0
            while sound < len(chunks) and _same(file, *chunks[sound]):
                sound += 1
    except FileNotFoundError:
        identity, sound = "", 0
    stop = chunks[sound - 1][1] if sound else 0
    db.execute("delete from chunks where name = ? and start >= ?", (path.name, stop))
    db.execute("insert or replace into files values (?, ?)", (path.name, identity))
    return stop


def next_lines(db: sqlite3.Connection, path: Path, start: int) -> tuple[list[tuple[int, bytes]], int]:
    """The next whole lines from a byte on, each with where it begins, and where they end; the chunk is kept."""
    try:
        with path.open("rb") as file:
            if _identity(file.fileno()) != db.execute("select identity from files where name = ?", (path.name,)).fetchone()[0]:
                return [], start  # it was replaced since
            file.seek(start)
            data = file.read(CHUNK)
            while data and b"\n" not in data:
                more = file.read(CHUNK)
                if not more:
                    break
                data += more
    except FileNotFoundError:
        return [], start
    data = data[: data.rfind(b"\n") + 1]
    if not data:
        return [], start
    stop = start + len(data)
    db.execute("insert into chunks values (?, ?, ?, ?)", (path.name, start, stop, hashlib.sha256(data).digest()))
    return list(_lines(data, start)), stop


def state(path: Path) -> tuple[str, int, int]:
    """What changes when the file does."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return "", 0, 0
    return f"{found.st_dev}:{found.st_ino}", found.st_size, found.st_mtime_ns


def _identity(file: int) -> str:
    found = os.fstat(file)
    return f"{found.st_dev}:{found.st_ino}"


def _same(file, start: int, stop: int, digest: bytes) -> bool:
    file.seek(start)
    return hashlib.sha256(file.read(stop - start)).digest() == digest


def _lines(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    for line in data.split(b"\n")[:-1]:
        yield start, line
        start += len(line) + 1
