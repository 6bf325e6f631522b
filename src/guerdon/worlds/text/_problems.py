"""Problems: what tasks made of drawn problems have in common.

Which side a problem belongs to is decided by a hash of the problem itself, not by its number or by a seed. So held-out problems,
demonstrations and the problems that are practised on never overlap, however many of them are drawn and whatever the seeds.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.tasks.rows import LazyRows, Row
from guerdon.worlds.text.position_credit import PositionCredit

# Shares of the space of problems: a tenth is held out and a tenth shown, the rest is to practise on.
_SIDES = {"test": (0.0, 0.1), "demonstrations": (0.1, 0.2), "train": (0.2, 1.0)}
_PATIENCE = 2000


@dataclass(frozen=True, kw_only=True)
class Problems(ABC):
    """A task whose rows (``prompt``, ``answer``) are drawn as they are asked for.

    Attributes:
        train_size, test_size: how many rows there are; row i is a pure function of the task's fields and i.
        seed: changes which problems are drawn on every side, never the side that a problem is on.
    """

    train_size: int = 1_000_000
    test_size: int = 512
    seed: int = 0

    @abstractmethod
    def problem(self, draw: random.Random) -> tuple[str, str]:
        """One problem: what is asked and the answer."""

    @property
    @abstractmethod
    def characters(self) -> str:
        """Every character that prompts and answers are written with, each once: what a character tokenizer needs."""

    @property
    def reward(self) -> PositionCredit:
        return PositionCredit()

    def train(self) -> Sequence[Row]:
        """Rows to practise on: ``prompt`` and ``answer``."""
        return LazyRows(partial(self._row, "train", self.seed), self.train_size)

    def test(self) -> Sequence[Row]:
        """Rows held out: ``prompt`` and ``answer``."""
        return LazyRows(partial(self._row, "test", self.seed), self.test_size)

    def demonstrations(self, n: int, seed: int = 0) -> list[Row]:
        """``n`` rows with ``prompt`` and ``completion`` to imitate; no such problem is in ``train`` or ``test``."""
        rows = (self._row("demonstrations", derive(self.seed, seed), index) for index in range(n))
        return [{"prompt": row["prompt"], "completion": row["answer"]} for row in rows]

    def _row(self, side: str, seed: int, index: int) -> Row:
        low, high = _SIDES[side]
        draw = random.Random(derive(seed, type(self).__name__, side, index))
        for _ in range(_PATIENCE):
            prompt, answer = self.problem(draw)
            if low <= derive(0, "side", prompt) / 2**63 < high:
                return {"prompt": prompt, "answer": answer}
        raise InputError(f"{self!r} has too few problems for a {side} side of its own; make the problems larger")
