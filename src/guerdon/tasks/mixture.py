"""Mixture: the rows of several tasks among one another, as often as their weights say.

    of the first t rows, task i has  t w_i / sum w  of them, to within (n + 1) / 2 for n tasks        its k-th row stands at (k + 1/2) / w_i

Without weights each task has the weight of its number of rows, so that every row is there once. With weights one of them is used up before the others:
``exhaust`` says whether it begins again until every row of every task was there ("repeat"), or whether the mixture ends, and what is left of the others
is not learned from ("stop"). The order is a pure function of weights and sizes, so that a run that goes on reads on where it stopped; a loop draws every
epoch in an order of its own, over the whole mixture.

What is held out are the held-out rows of all of them, each once and evenly spread.

Source: ``interleave_datasets`` of Hugging Face, whose ``all_exhausted`` and ``first_exhausted`` these are, without its draws: shares are kept to within a few
rows. Default of ``exhaust``: no row is left out that nobody said to leave out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from guerdon.errors import InputError
from guerdon.tasks.dataset import as_task
from guerdon.tasks.rows import LazyRows, PlacedRows, Row


@dataclass(frozen=True)
class Mixture:
    """Several tasks as one.

    Attributes:
        of: the tasks, or objects that hold rows.
        weights: how often each is drawn, relative to the others; none: as often as it has rows.
        exhaust: what happens when the rows of one are used up: it begins again, until all were there; or the mixture stops.
        max_rows: at most so many rows of the mixture.
        column: in which each row says which of the tasks it is of, by its number from 0 on; "": in none.
    """

    of: tuple[Any, ...]
    weights: tuple[float, ...] = ()
    exhaust: Literal["repeat", "stop"] = "repeat"
    max_rows: int | None = None
    column: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", tuple(as_task(task) for task in self.of))
        if not self.of:
            raise InputError("a mixture of no tasks has no rows; name at least one")
        if self.weights and len(self.weights) != len(self.of):
            raise InputError(f"there are {len(self.of)} tasks and {len(self.weights)} weights; give one for each, or none")
        wrong = next((w for w in self.weights if not 0 < w < float("inf")), None)
        if wrong is not None:
            raise InputError(f"weight {wrong} must be above 0; leave the task out if it is not to be there")
        if self.max_rows is not None and self.max_rows < 1:
            raise InputError(f"max_rows={self.max_rows} must be at least 1; leave it out for all rows")

    def train(self) -> Sequence[Row]:
        """The rows to learn from, in the order in which the weights put them."""
        sides = [task.train() for task in self.of]
        sizes = np.array([len(side) for side in sides])
        which, index = self._order(sizes, np.array(self.weights or sizes, dtype=float))
        return self._named(_joined(sides, which[: self.max_rows], index[: self.max_rows]), which)

    def test(self) -> Sequence[Row]:
        """The held-out rows of all."""
        held = {number: side for number, task in enumerate(self.of) if len(side := task.test())}
        sides = list(held.values())
        if not sides:
            return []
        sizes = np.array([len(side) for side in sides], dtype=int)
        which, index = _interleaved(sizes, sizes, sizes)
        return self._named(_joined(sides, which, index), np.array(list(held))[which])

    @property
    def wrong(self) -> dict[Any, Any]:
        """What its tasks left out because they could not read it."""
        return {place: found for task in self.of for place, found in getattr(task, "wrong", {}).items()}

    def forgiving(self) -> "Mixture":
        """The same, of tasks that leave out the rows that they would refuse."""
        made = replace(self, of=tuple(task.forgiving() if hasattr(task, "forgiving") else task for task in self.of))
        object.__setattr__(made, "stands_for", self)
        return made

    @property
    def reward(self) -> Any:
        """The reward that the tasks share; None where none of them brings one.

        Raises:
            InputError: they bring different ones.
        """
        rewards = [getattr(task, "reward", None) for task in self.of]
        if any(reward != rewards[0] for reward in rewards):
            raise InputError("the tasks of the mixture bring different rewards; name one in the reward section that fits all of their rows")
        return rewards[0]

    def notes(self) -> list[str]:
        """What the user is to be told: what each task left out, and how often its rows are there."""
        said = [note for task in self.of for note in getattr(task, "notes", list)()]
        sizes = np.array([len(task.train()) for task in self.of])
        which, _ = self._order(sizes, np.array(self.weights or sizes, dtype=float))
        counts = np.bincount(which[: self.max_rows], minlength=len(sizes))
        shares = ", ".join(
            f"task {i}: {n} of {size} ({n / counts.sum():.1%})" for i, (n, size) in enumerate(zip(counts, sizes, strict=True))
        )
        return [*said, f"rows in the mixture of {counts.sum()}: {shares}"]

    def _named(self, rows: Sequence[Row], which: np.ndarray) -> Sequence[Row]:
        """The rows with the number of their task."""
        if not self.column:
            return rows
        if len(rows) and self.column in rows[0]:
            raise InputError(
                f"the rows of the mixture have a column {self.column!r} already; name another one with column=, or read that one"
            )
        if isinstance(rows, LazyRows):
            return LazyRows(lambda i: {**rows[i], self.column: int(which[i])}, len(rows))
        named = [{**row, self.column: int(number)} for row, number in zip(rows, which, strict=False)]
        return rows.replaced(named) if isinstance(rows, PlacedRows) else named

    def _order(self, sizes: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not sizes.all():
            raise InputError(f"task {int(np.argmin(sizes))} of the mixture has no rows; check its path, split and filters")
        lasts = sizes / weights  # how long the rows of each last
        end = lasts.max() if self.exhaust == "repeat" else lasts.min()
        counts = np.maximum(np.round(end * weights).astype(int), 1)
        counts = np.maximum(counts, sizes) if self.exhaust == "repeat" else np.minimum(counts, sizes)
        return _interleaved(counts, weights, sizes)


def _interleaved(counts: np.ndarray, weights: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row of the mixture which task it is of, and which of its rows."""
    which = np.repeat(np.arange(len(counts)), counts)
    turn = np.concatenate([np.arange(n) for n in counts])
    order = np.lexsort((which, (turn + 0.5) / weights[which]))
    return which[order], turn[order] % sizes[which[order]]


def _joined(sides: Sequence[Sequence[Row]], which: np.ndarray, index: np.ndarray) -> Sequence[Row]:
    if any(isinstance(side, LazyRows) for side in sides):
        return LazyRows(lambda i: sides[which[i]][int(index[i])], len(which))
    joined = PlacedRows.joined([side if isinstance(side, PlacedRows) else PlacedRows.of([("a task", side)]) for side in sides])
    first = np.concatenate([[0], np.cumsum([len(side) for side in sides])[:-1]])
    return joined.select((first[which] + index).tolist())
