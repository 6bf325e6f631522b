"""SQLite: queries of a database, which are read-only unless they are allowed to write.

    sql("SELECT city, people FROM cities ORDER BY people DESC LIMIT 2")

The database is the file at ``path``, or what the row's own column ``column`` builds, a script of statements as in the SQL reward. Nothing ever changes the file: with ``write``
each episode has a copy of its own in memory, which ends with it. A result is a table, a line for each row, at most ``rows`` of them; it says so where there are more. A query
that takes longer than ``seconds`` is interrupted. Other files cannot be reached: ATTACH, extensions, and pragmas but those that describe tables are refused.

Source: ours; ``rows`` 50 and 5 s are what a turn can hold and wait for.
"""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.tasks.schemas import schema_of
from guerdon.tasks.tools import Mistaken

_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_NEVER = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE}
_DESCRIBING = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"}
_LARGEST = 8 * 2**20  # bytes of a value
_STEPS = 10_000  # of its machine between two looks at the clock


@dataclass(frozen=True)
class SQLite:
    path: str | None = None
    column: str = "database"
    write: bool = False
    rows: int = 50
    seconds: float = 5.0

    name: ClassVar[str] = "sql"

    def __post_init__(self) -> None:
        if self.rows < 1 or self.seconds <= 0:
            raise InputError(f"the SQLite tool needs rows of at least 1 and seconds > 0, not {self.rows} and {self.seconds:g}")

    def build(self) -> tuple["Database"]:
        if self.path is not None and not Path(self.path).is_file():
            raise InputError(
                f"there is no database at {self.path}; give the path of a SQLite file, or none for a database in each row's column {self.column!r}"
            )
        return (Database(self),)


class Database:
    """The database of an episode."""

    def __init__(self, told: SQLite) -> None:
        self._told = told
        self._connection: sqlite3.Connection | None = None

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        def sql(query: str) -> str:
            """Runs a query of SQL on a SQLite database and returns the rows.

            Args:
                query: One statement. The tables are in sqlite_master.
            """

        return schema_of(sql, self._told.name)

    def reset(self, row: Mapping[str, Any], seed: int) -> None:
        """Open the database of the row.

        Raises:
            InputError: the row has none, or one that is none.
        """
        self.close()
        told = self._told
        script = row.get(told.column) if told.path is None else None
        if told.path is None and not isinstance(script, str):
            raise InputError(
                f"the SQLite tool has no path, and the row has no text in column {told.column!r} that builds a database; give one of them"
            )
        try:
            self._connection = _opened(told.path, script, told.write)
        except sqlite3.Error as error:
            raise InputError(f"the database {told.path or f'of column {told.column!r}'} cannot be opened: {error}") from error
        self._connection.set_authorizer(_writer if told.write else _reader)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)

    def __call__(self, query: str) -> str:
        if self._connection is None:
            self.reset({}, 0)
        told, end = self._told, time.monotonic() + self._told.seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            cursor = self._connection.execute(query)
            found = cursor.fetchmany(told.rows + 1)
            names = [column[0] for column in cursor.description or ()]
            cursor.close()
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeEncodeError) as error:
            if "interrupted" in str(error):
                raise Mistaken(f"the query took longer than {told.seconds:g} s") from None
            refused = "not authorized" in str(error) or "prohibited" in str(error)
            raise Mistaken(f"{error}{'' if told.write or not refused else '; the database can only be read'}") from None
        if not names:
            return "done"
        lines = [" | ".join(names), *(" | ".join(map(_shown, row)) for row in found[: told.rows])]
        return "\n".join(
            [
                *lines,
                *([f"(the first {told.rows} rows; there are more)"] if len(found) > told.rows else []),
                *(["(no rows)"] if not found else []),
            ]
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _opened(path: str | None, script: str | None, write: bool) -> sqlite3.Connection:
    if path is None:
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        connection.executescript(script or "")
        return connection
    file = sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False, isolation_level=None)
    file.execute("SELECT count(*) FROM sqlite_master")
    if not write:
        return file
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    with file:
        file.backup(connection)
    file.close()
    return connection


def _reader(action: int, first: str | None, *others: str | None) -> int:
    describes = action == sqlite3.SQLITE_PRAGMA and first in _DESCRIBING
    return sqlite3.SQLITE_OK if (action in _READING and not _extends(action, others)) or describes else sqlite3.SQLITE_DENY


def _writer(action: int, first: str | None, *others: str | None) -> int:
    hidden = action in _NEVER or (action == sqlite3.SQLITE_PRAGMA and first not in _DESCRIBING) or _extends(action, others)
    return sqlite3.SQLITE_DENY if hidden else sqlite3.SQLITE_OK


def _extends(action: int, names: tuple[str | None, ...]) -> bool:
    return action == sqlite3.SQLITE_FUNCTION and "load_extension" in names


def _shown(value: Any) -> str:
    return "NULL" if value is None else f"x'{value.hex()}'" if isinstance(value, bytes) else str(value)
