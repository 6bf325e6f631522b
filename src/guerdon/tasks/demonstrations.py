"""Demonstrations: what a text world shows of itself, as rows to imitate.

    rows: prompt, completion

The training rows are the world's own demonstrations; the held-out rows are its held-out problems with their answer as the completion. The
world keeps the two apart, and both apart from what is practised on.

Source: ours. ``n`` 300: with so many, a model of half a million parameters learns the form of sorting ten letters, and about a third of the
answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.tasks.rows import Row


@dataclass(frozen=True)
class Demonstrations:
    """Demonstrations of a world.

    Attributes:
        task: the world: a task with ``demonstrations(n, seed)``.
        n: how many.
        seed: which of them.
    """

    task: Any
    n: int = 300
    seed: int = 0

    def train(self) -> Sequence[Row]:
        return self.task.demonstrations(self.n, self.seed)

    def test(self) -> Sequence[Row]:
        rows = self.task.test()
        return [{"prompt": row["prompt"], "completion": row["answer"]} for row in (rows[i] for i in range(len(rows)))]

    @property
    def reward(self) -> None:
        return None

    @property
    def characters(self) -> str:
        """Those of the world."""
        return self.task.characters
