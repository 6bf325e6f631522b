"""Query runs: whether the query that a completion wrote is one that the database can answer, whatever it finds.

    reward = right if the query runs on the database and ends in time else wrong

What is read of a completion, where it runs, and the column ``database`` are those of SQL (``sql``, whose limits these are). No gold query is read.

Source: the syntax check of Reasoning-SQL, arXiv 2503.23157, one of its partial rewards.
Differs from SQL: a query may run and be wrong.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

from guerdon.feedback.rewards.sql import SQL
from guerdon.feedback.sandbox.pool import size
from guerdon.feedback.sandbox.programs import Rows
from guerdon.witness import Witness


@dataclass(frozen=True)
class QueryRuns:
    elsewhere: ClassVar[bool] = True

    sql: SQL = field(default_factory=SQL)
    right: float = 1.0
    wrong: float = 0.0

    def __call__(self, prompts: list[Any], completions: list[Any], database: list[Any], **columns: list[Any]) -> list[float | None]:
        with ThreadPoolExecutor(min(size(self.sql.workers), max(len(completions), 1)), "guerdon-queries") as threads:
            return list(threads.map(self._judge, prompts, completions, database))

    def _judge(self, prompt: Any, completion: Any, database: Any) -> float | None:
        if not isinstance(database, str):
            return None
        return self.right if isinstance(self.sql.found(prompt, completion, database), Rows) else self.wrong


_shop = "CREATE TABLE sold (what TEXT, price REAL); INSERT INTO sold VALUES ('tea', 2.5);"
witness = Witness(
    QueryRuns(),
    parent=SQL(),
    given={
        "prompts": ["q"] * 3,
        "completions": ["SELECT price FROM sold", "SELECT cost FROM sold", "SELECT what FROM sold"],
        "answer": ["SELECT what FROM sold"] * 3,
        "database": [_shop] * 3,
    },
    returns=[1.0, 0.0, 1.0],
)
