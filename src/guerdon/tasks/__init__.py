"""Tasks: rows, and how to judge what is answered to them.

A task is a frozen specification. ``train()`` and ``test()`` give rows: mappings with the common columns (``prompt`` and,
where there is one, ``answer``; ``completion``; ``chosen`` and ``rejected``; ``label``; ``messages``), each text a string or
a list of ``{role, content}``. A sequence may make its rows as they are asked for, so that a generator of problems never
repeats one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guerdon.feedback.rewards import Reward

Row = Mapping[str, Any]


class Task(Protocol):
    """Rows to learn from, rows that are held out, and the reward that the task itself prescribes (None: the recipe's)."""

    def train(self) -> Sequence[Row]: ...

    def test(self) -> Sequence[Row]: ...

    @property
    def reward(self) -> Reward | None: ...
