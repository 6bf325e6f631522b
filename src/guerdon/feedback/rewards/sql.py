"""SQL: whether a query that a completion wrote finds the rows that the gold query finds.

    reward = right if rows(query) == rows(gold) else wrong

The query is the last block of SQL of what the completion says after its thinking, or all of it where there is no block. Both run on a SQLite database in
memory that the column ``database`` builds, a script of statements; the column ``answer`` holds the gold query. The two run in sandboxes apart from each
other (``guerdon.feedback.sandbox``), and their rows are compared here: as they come if the gold query orders them, else as a multiset; in the
order of the columns, whose names do not count; numbers within ``tolerance``. A query that fails, takes longer than ``seconds``, or finds more than
``rows`` is wrong; a gold query that does gives None.

Source: the execution accuracy of Spider, arXiv 1809.08887, there over several databases for each query.
Differs from Code: the answer is a question to a database, and what is expected is found by asking another.
"""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from guerdon.feedback.fences import last_block
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.sandbox.equality import equal
from guerdon.feedback.sandbox.limits import Limits
from guerdon.feedback.sandbox.pool import Box, size
from guerdon.feedback.sandbox.programs import Nothing, Rows, queried
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness

_LANGUAGES = ("sql", "sqlite")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_INNER = re.compile(r"\([^()]*\)")
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)


@dataclass(frozen=True)
class SQL:
    elsewhere: ClassVar[bool] = True  # in processes of its own: a run goes on meanwhile

    seconds: float = 5.0
    rows: int = 10_000
    require_isolation: bool = False
    tolerance: float = 1e-6
    workers: int = 0
    right: float = 1.0
    wrong: float = 0.0

    def __post_init__(self) -> None:
        Limits(self.seconds)  # refuses what cannot be

    def __call__(
        self, prompts: list[Any], completions: list[Any], answer: list[Any], database: list[Any], **columns: list[Any]
    ) -> list[float | None]:
        with ThreadPoolExecutor(min(size(self.workers), max(len(completions), 1)), "guerdon-queries") as threads:
            return list(threads.map(self._judge, prompts, completions, answer, database))

    def _judge(self, prompt: Any, completion: Any, gold: Any, database: Any) -> float | None:
        if not isinstance(gold, str) or not isinstance(database, str):
            return None
        wanted = _gold(self, database, gold)
        if isinstance(wanted, Nothing):
            return None
        found = self.found(prompt, completion, database)
        same = isinstance(found, Rows) and same_rows(found.rows, wanted.rows, orders(gold), self.tolerance)
        return self.right if same else self.wrong

    def found(self, prompt: Any, completion: Any, database: str) -> Rows | Nothing:
        """The rows of a completion's query, or why there are none."""
        query = written(prompt, completion)
        return Nothing("there is none") if query is None else self._rows(database, query, False)

    def _rows(self, database: str, query: str, examines: bool) -> Rows | Nothing:
        limits = Limits(self.seconds, output=8 * 2**20)
        return queried(Box(self.require_isolation), database, query, limits, self.rows, examines, size(self.workers))


@lru_cache(maxsize=4096)
def _gold(part: SQL, database: str, query: str) -> Rows | Nothing:
    return part._rows(database, query, True)


def written(prompt: Any, completion: Any) -> str | None:
    """The query that a completion wrote."""
    return last_block(answer_text(completion, prompt), _LANGUAGES)


def orders(query: str) -> bool:
    """Whether a query says in which order its rows are to come: not one within it."""
    text = _QUOTED.sub(" ", query)
    while (outer := _INNER.sub(" ", text)) != text:
        text = outer
    return _ORDERED.search(text) is not None


def same_rows(a: list[list[Any]], b: list[list[Any]], ordered: bool, tolerance: float) -> bool:
    """Whether two tables hold the same rows."""
    if len(a) != len(b):
        return False
    if not ordered:
        if Counter(map(_exact, a)) == Counter(map(_exact, b)):
            return True
        a, b = sorted(a, key=_place), sorted(b, key=_place)
    return all(equal(x, y, tolerance) for x, y in zip(a, b, strict=True))


def _exact(row: list[Any]) -> str:
    return repr([float(value) if isinstance(value, int) and abs(value) < 2**53 else value for value in row])


def _place(row: list[Any]) -> list[tuple[int, Any]]:
    """By which rows are sorted so that such as are the same but for rounding come beside each other."""
    return [(0, 0) if value is None else (1, float(f"{value:.6g}")) if isinstance(value, int | float) else (2, str(value)) for value in row]


_shop = "CREATE TABLE sold (what TEXT, price REAL); INSERT INTO sold VALUES ('tea', 2.5), ('cake', 4), ('tea', 3);"
_gold_query = "SELECT what, SUM(price) FROM sold GROUP BY what"
witness = (
    Witness(
        SQL(),
        parent=StringMatch(),
        given={
            "prompts": ["q"] * 3,
            "completions": [
                "```sql\nSELECT 'tea', 5.5 UNION SELECT 'cake', 4\n```",  # it finds the same
                "SELECT what, SUM(price) FROM sold",
                "DROP TABLE sold",
            ],
            "answer": [_gold_query] * 3,
            "database": [_shop] * 3,
        },
        returns=[1.0, 0.0, 0.0],
    ),
    Witness(
        SQL(rows=1),
        parent=SQL(),
        given={"prompts": ["q"], "completions": [_gold_query], "answer": [_gold_query], "database": [_shop]},
        returns=[None],
    ),
)
