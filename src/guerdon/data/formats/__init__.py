"""Formats: rows of one common dataset shape → ``Examples`` that losses can read, with the exact mask of what is trained on.

Columns have TRL's names; every text column is a string (plain) or a list of ``{role, content}`` (conversational).
"""

from collections.abc import Mapping
from typing import Any, Protocol

from guerdon.sequences import Example
from guerdon.tasks.encoding import Encoder


class Format(Protocol):
    """One row and the encoder of the model's tokenizer → one example (one side, or ``chosen`` and ``rejected``).

    A format of which several turns are learned has ``by_turn(row) -> rows`` as well: a row for each of them, for templates that rewrite earlier turns.
    """

    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example: ...
