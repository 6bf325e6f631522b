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


def short(raw: Any) -> Any:
    """What is meant, where a task stands within another, by a path or by the settings of a dataset."""
    if isinstance(raw, str | list | tuple) and (not isinstance(raw, str) or any(mark in raw for mark in "/.")):
        return {"part": "dataset", "path": raw}
    return {"part": "dataset", **raw} if isinstance(raw, Mapping) and "part" not in raw else raw


class Task(Protocol):
    """Rows to learn from, rows that are held out, and the reward that the task itself prescribes (None: the recipe's)."""

    def train(self) -> Sequence[Row]: ...

    def test(self) -> Sequence[Row]: ...

    @property
    def reward(self) -> Reward | None: ...
