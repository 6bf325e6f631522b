"""Spending: what was paid for answers, in tokens and money, and a bound on it that is never passed.

    reserve   before a request: the most that it can cost; what does not fit beside what is spent and reserved waits until others are settled, and is refused when there are none
    settle    after it: what it did cost

What belongs to a run is kept in its folder (``charged_to``), so that a run that is killed and goes on has one budget, on however many processes it is. What a process had
reserved that is no more counts as spent.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guerdon.errors import RunFailed

WAIT = 0.05  # seconds between two looks whether others have settled
FILE = "spent.sqlite"

_folder: Path | None = None


class Spent(RunFailed):
    """What may be spent is spent."""


@dataclass(frozen=True)
class Amount:
    """Requests, tokens read and written, and money."""

    requests: int = 0
    read: int = 0
    written: int = 0
    money: float = 0.0


def charged_to(folder: Path | None) -> None:
    """What is spent from now on belongs to the run in this folder; None: to this process alone."""
    global _folder
    _folder = folder


class Purse:
    """What is spent on one account.

    Args:
        account: whose it is, such as the address of a server and the name of its model.
        tokens, money: the most that may be spent; None: no bound.
    """

    def __init__(self, account: str, tokens: int | None = None, money: float | None = None):
        self.account, self.tokens, self.money = account, tokens, money
        self._lock = threading.Lock()
        self._place, self._open = None, None

    def reserve(self, read: int, written: int, money: float) -> int:
        """A number under which the most that a request can cost is set aside.

        Raises:
            Spent: it does not fit any more.
        """
        while True:
            with self._books() as books:
                spent, waiting = self._sum(books), self._sum(books, "AND pid IS NOT NULL")
                fits = self.tokens is None or spent.read + spent.written + read + written <= self.tokens
                fits = fits and (self.money is None or spent.money + money <= self.money * (1 + 1e-12))
                if fits:
                    row = (self.account, os.getpid(), 1, read, written, money)
                    return books.execute("INSERT INTO spent VALUES (NULL, ?, ?, ?, ?, ?, ?)", row).lastrowid
            if not waiting.requests:
                raise Spent(self._said(spent, read + written, money))
            time.sleep(WAIT)

    def settle(self, number: int, read: int, written: int, money: float) -> None:
        """What a request did cost."""
        with self._books() as books:
            books.execute(
                "UPDATE spent SET pid = NULL, tokens_read = ?, tokens_written = ?, money = ? WHERE id = ?", (read, written, money, number)
            )

    def drop(self, number: int) -> None:
        """A request that cost nothing."""
        with self._books() as books:
            books.execute("DELETE FROM spent WHERE id = ?", (number,))

    def spent(self) -> Amount:
        """So far, with what is reserved."""
        with self._books() as books:
            return self._sum(books)

    def _said(self, spent: Amount, tokens: int, money: float) -> str:
        bound = f"{self.money:g} of money" if self.money is not None and spent.money + money > self.money else f"{self.tokens} tokens"
        return (
            f"the budget of {self.account} is used up: {spent.read + spent.written} tokens in {spent.requests} requests and {spent.money:.4g} of money are spent, and the next "
            f"request may take {tokens} tokens ({money:.3g} of money) more, beyond {bound}; nothing is lost: what was answered is remembered, and the same command with a higher "
            "budget_tokens or budget_money goes on from the last checkpoint"
        )

    def _sum(self, books: sqlite3.Connection, more: str = "") -> Amount:
        asked = f"SELECT COUNT(*), SUM(tokens_read), SUM(tokens_written), SUM(money) FROM spent WHERE account = ? {more}"
        requests, read, written, money = books.execute(asked, (self.account,)).fetchone()
        return Amount(requests, read or 0, written or 0, money or 0.0)

    @contextlib.contextmanager
    def _books(self) -> Iterator[sqlite3.Connection]:
        """What is written down, for this thread alone; in a folder, for this process alone."""
        with self._lock:
            if self._open is None or self._place != _folder:
                self._place, self._open = _folder, _opened(_folder)
            self._open.execute("BEGIN IMMEDIATE")
            try:
                yield self._open
            except BaseException:
                self._open.execute("ROLLBACK")
                raise
            self._open.execute("COMMIT")


def _opened(folder: Path | None) -> sqlite3.Connection:
    there = folder is not None and folder.is_dir()  # the folder of a run that is over may be gone
    books = sqlite3.connect(folder / FILE if there else ":memory:", timeout=30, isolation_level=None, check_same_thread=False)
    books.execute(
        "CREATE TABLE IF NOT EXISTS spent (id INTEGER PRIMARY KEY, account TEXT, pid INTEGER, requests INTEGER, tokens_read INTEGER, tokens_written INTEGER, money REAL)"
    )
    for (pid,) in books.execute("SELECT DISTINCT pid FROM spent WHERE pid IS NOT NULL").fetchall():
        if pid != os.getpid() and not _lives(pid):
            books.execute("UPDATE spent SET pid = NULL WHERE pid = ?", (pid,))
    return books


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
