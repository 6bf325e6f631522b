"""Episodes: rows in each of which a policy acts in an environment.

    environment: a specification (``tasks.environments``, ``worlds.games``)
    rows: a task whose rows say what each episode is about; None: the environment makes ``count`` rows, and ``held_out`` more, none of which it makes twice

What an episode begins with, and whatever is left to chance in it, follows from its row: from the column ``seed`` where there is one, else from what the row holds. So all that
answer one row are in the same situation.

``calls`` says how the model writes calls of tools (``tasks.calls``); None: as its chat template does, or not at all. ``deadline`` is for how many seconds an environment may be at
work on one turn; None: for ever.

Source: ours. 60 s, 256 rows and 64 held out are ours too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards import Reward
from guerdon.randomness import derive
from guerdon.tasks.calls import CallFormat
from guerdon.tasks.dataset import as_task
from guerdon.tasks.environments import EnvironmentSpecification, Row


@dataclass(frozen=True)
class Episodes:
    environment: EnvironmentSpecification
    rows: Any = None
    count: int = 256
    held_out: int = 64
    calls: CallFormat | None = None
    deadline: float | None = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rows is not None:
            object.__setattr__(self, "rows", as_task(self.rows))
        elif not hasattr(self.environment, "rows"):
            raise InputError(f"task.rows: {type(self.environment).__name__} makes no rows of its own; give rows: a file, or a task")
        if self.count < 1 or self.held_out < 0 or (self.deadline is not None and self.deadline <= 0):
            raise InputError(
                f"task: count is 1 or more, held_out 0 or more and deadline above 0 or null, not {self.count}, {self.held_out} and {self.deadline}"
            )

    def train(self) -> Sequence[Row]:
        return self._sides[0]

    def test(self) -> Sequence[Row]:
        return self._sides[1]

    @property
    def reward(self) -> Reward | None:
        """That of the rows' task; what the environment says is a component beside it."""
        return None if self.rows is None else self.rows.reward

    @property
    def characters(self) -> str | None:
        """All that its texts are written in, for models that are told; None where the environment does not say."""
        return getattr(self.environment, "characters", None)

    @cached_property
    def _sides(self) -> tuple[Sequence[Row], Sequence[Row]]:
        if self.rows is not None:
            return self.rows.train(), self.rows.test()
        made = self.environment.rows(self.count + self.held_out, self.seed)
        return made[: self.count], made[self.count :]


def seed_of(row: Row) -> int:
    """From which all that is left to chance in a row's episode is derived."""
    given = row.get("seed")
    if given is None:
        return derive(0, "episode", repr(sorted((name, repr(value)) for name, value in row.items())))
    if isinstance(given, bool) or not isinstance(given, int):
        raise InputError(f"the column 'seed' of a row of episodes holds {given!r}; it must be a whole number")
    return given
