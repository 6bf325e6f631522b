"""Query n-grams: how much of the gold query's wording a query has.

    reward = |A and B| / |A or B|        A, B: the n-grams of tokens of the two, in lower case, each once; 1 where neither has any

Tokens are words, numbers, quoted texts and single signs. The column ``answer`` holds the gold query; no database is asked. A query that says the
same in other words is worth less, so it belongs beside a reward that reads what is found.

Source: the n-gram reward of Reasoning-SQL, arXiv 2503.23157: the Jaccard similarity of n-grams. ``n``: 2, as in what appears to be the first author's training script.
Differs from TokenF1: order counts, and how often does not.
"""

import re
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.rewards.sql import written
from guerdon.feedback.rewards.token_f1 import TokenF1
from guerdon.witness import Witness

_TOKEN = re.compile(r"'(?:[^']|'')*'|\w+(?:\.\d+)?|[^\s\w]")


@dataclass(frozen=True)
class QueryNgrams:
    n: int = 2

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._judge(*row) for row in zip(prompts, completions, answer, strict=True)]

    def _judge(self, prompt: Any, completion: Any, gold: Any) -> float | None:
        if not isinstance(gold, str):
            return None
        query = written(prompt, completion)
        return 0.0 if query is None else jaccard(self.grams(query), self.grams(gold))

    def grams(self, query: str) -> set[tuple[str, ...]]:
        tokens = _TOKEN.findall(query.lower().rstrip("; \n"))
        return set(zip(*(tokens[i:] for i in range(self.n)), strict=False))


def jaccard(a: set, b: set) -> float:
    return len(a & b) / len(a | b) if a or b else 1.0


_asked = {
    "prompts": ["q"] * 3,
    "completions": ["SELECT what FROM sold;", "```sql\nselect sold from what\n```", "SELECT what"],
    "answer": ["SELECT what FROM sold"] * 2 + [None],
}
witness = (  # (select what) (what from) (from sold) against (select sold) (sold from) (from what)
    Witness(QueryNgrams(), parent=TokenF1(), given=_asked, returns=[1.0, 0.0, None]),
    Witness(QueryNgrams(n=1), parent=QueryNgrams(), given=_asked, returns=[1.0, 1.0, None]),
)
