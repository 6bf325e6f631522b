"""Identifying: games in which one of several things is to be found out, by questions and guesses. Each turn earns -1 until the right guess, which earns 0.

With as many turns as there are things left, more turns change nothing: every useful turn leaves fewer.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.worlds.games._rules import Outcome
from guerdon.worlds.games._solved import Solved
from guerdon.worlds.games._wording import Action


class Identifying(Solved):
    """The base of a frozen dataclass with the fields ``observed``, ``exact``, ``turns`` and ``wording``. The hidden state is the thing. ``guess`` is an action; ``right`` and
    ``left`` are told."""

    observed: bool
    exact: int
    wasted: ClassVar[float] = -2.0

    @abstractmethod
    def things(self) -> Sequence[str]:
        """What it may be."""

    @abstractmethod
    def questions(self) -> Sequence[Action]:
        """What can be asked besides guessing."""

    @abstractmethod
    def answer(self, thing: str, action: Action) -> str:
        """What is told of a question, or of a guess that is wrong."""

    def starts(self) -> Sequence[str]:
        return self.things()

    def columns(self, hidden: str) -> dict[str, Any]:
        return {"answer": hidden}

    def start(self, row: Mapping[str, Any]) -> str:
        if row.get("answer") not in self.things():
            raise InputError(f"answer={row.get('answer')!r}: in this game it is one of {', '.join(self.things())}")
        return row["answer"]

    def known(self, belief: tuple[str, ...]) -> str:
        return self.speech.tell("left", left=self.speech.listed(belief)) if self.observed else ""

    def enough(self, belief: tuple[str, ...], left: int) -> int:
        return min(left, len(belief))

    def at_most(self, group: Sequence[str]) -> float:
        """One thing may be found at once, ``b`` after one turn, b^2 after two and so on, where there are at most b answers."""
        cost, left, turns, found = 0, len(group), 0, 1
        while left > 0:
            cost += turns * min(found, left)
            left, turns, found = left - found, turns + 1, found * self._answers
        return -float(cost)

    def moves(self, hidden: str) -> list[Action]:
        return list(self._all)

    def after(self, hidden: str, action: Action) -> Outcome | None:
        return self._all[action][hidden] if action in self._all else None

    @cached_property
    def _all(self) -> dict[Action, dict[str, Outcome]]:
        """Every action's outcome for everything that it may be."""
        things = self.things()
        actions = [*self.questions(), *(("guess", thing) for thing in things)]
        return {action: {thing: self._outcome(thing, action) for thing in things} for action in actions}

    @cached_property
    def _answers(self) -> int:
        return max(len({outcome.text for outcome in outcomes.values() if not outcome.done}) for outcomes in self._all.values()) or 1

    def _outcome(self, thing: str, action: Action) -> Outcome:
        if action == ("guess", thing):
            return Outcome(thing, self.speech.tell("right"), 0.0, done=True, solved=True)
        return Outcome(thing, self.answer(thing, action), -1.0)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name not in ("_all", "_answers")}

    @property
    def bounds(self) -> tuple[float, float]:
        return self.wasted * self.turns, 0.0

    @property
    def longest(self) -> int:
        return max(len(self.speech.write(move)) for move in self._all)
