"""Keywords: rows with a ``chosen`` text each → the key phrases of each text, most important first; none where a text has none.

A phrase is one or more words as they stand in the text. Texts without spaces (of characters) have single characters for words.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Keywords(Protocol):
    """Rows → for each row its phrases, each once."""

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[list[str]]: ...


def words_of(text: str) -> list[str]:
    """The words of a text in their order; its characters, where it has no spaces."""
    return re.findall(r"[^\W_](?:[\w'-]*\w)?", text) if " " in text.strip() else list(text)
