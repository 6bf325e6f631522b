"""Schema linking: how many of the tables and columns that a query names are those of the gold query, and the other way round.

    reward = |A and B| / |A or B|        A, B: the names in the completion's query and in the gold one, in lower case; 1 where neither names any

A name is a word of the query, quoted as an identifier or not, that is no keyword, no function (before a parenthesis), no alias (after AS, or right after a name) and no text. A
query of a name that the database does not have loses by it. The column ``answer`` holds the gold query; no database is asked.

Source: the schema-linking reward of Reasoning-SQL, arXiv 2503.23157: the Jaccard similarity of the schema items of the two. How items are told is ours. What
appears to be the first author's training script divides by the gold query's items alone, so that a name too many costs nothing there.
Differs from QueryNgrams: in which order they come, and what is done with them, does not count.
"""

import re
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.rewards.query_ngrams import QueryNgrams, jaccard
from guerdon.feedback.rewards.sql import written
from guerdon.witness import Witness

_TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[A-Za-z_]\w*|\d+(?:\.\d+)?|[^\s\w]", re.DOTALL)
_KEYWORD = re.compile(
    "all|and|as|asc|between|by|case|cast|collate|cross|desc|distinct|else|end|escape|except|exists|false|from|full|glob|group|having|in|inner|intersect|is|isnull|join|left|like|limit"
    "|match|natural|not|notnull|null|nulls|offset|on|or|order|outer|over|partition|recursive|regexp|right|select|then|true|union|using|values|when|where|window|with",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SchemaLinking:
    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return [_judge(*row) for row in zip(prompts, completions, answer, strict=True)]


def _judge(prompt: Any, completion: Any, gold: Any) -> float | None:
    if not isinstance(gold, str):
        return None
    query = written(prompt, completion)
    return 0.0 if query is None else jaccard(names(query), names(gold))


def names(query: str) -> set[str]:
    """Of tables and columns."""
    tokens = [token for token in _TOKEN.findall(query) if not token.startswith(("--", "/*"))]
    found: set[str] = set()
    aliases: set[str] = set()
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        quoted = token[0] in '"`['
        name = token.strip('"`[]').lower()
        if not quoted and (not _is_name(token) or after == "("):
            continue
        follows = before.lower() == "as" or _is_name(before)
        (aliases if follows else found).add(name)
    return found - aliases


def _is_name(token: str) -> bool:
    """Quoted as one, or a word that is no keyword."""
    if len(token) > 1 and token[0] in '"`[':
        return True
    return re.match(r"[A-Za-z_]", token) is not None and not _KEYWORD.fullmatch(token)


witness = Witness(
    SchemaLinking(),
    parent=QueryNgrams(),
    given={
        "prompts": ["q"] * 4,
        "completions": [
            "SELECT MAX(s.price) AS top FROM sold s WHERE s.what = 'what price'",  # sold, price, what: all
            "select what from sold",  # two of three
            "SELECT cost FROM sold",  # one of four
            "SELECT 1",
        ],
        "answer": ["SELECT price FROM sold WHERE what = 'tea'"] * 3 + [None],
    },
    returns=[1.0, 2 / 3, 1 / 4, None],
)
