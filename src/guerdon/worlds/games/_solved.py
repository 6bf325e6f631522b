"""Solved: games with few hidden starts, each as likely, whose optimum is found by trying everything.

    V(b, 0) = 0
    V(b, n) = max over a of  1 / |b| * sum over what may be told o of  |b_ao| * (reward + V(b_ao, n - 1))        b_ao: the states of b after a of which o is told

b is a belief (a multiset of hidden states, each as likely), n how many turns are left. Nothing is drawn after the start, so this is the exact optimum of the game that is partially
observed, and with one state per belief that of the game that is not. Beliefs of more than ``exact`` states are not searched: there the action is taken that tells most
(the largest entropy of what is told), and how far the result is from the optimum is not known.
"""

import math
import random
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from guerdon.worlds.games._rules import Outcome, Rules
from guerdon.worlds.games._wording import Action


class Solved(Rules):
    exact: int = 10**9

    @abstractmethod
    def starts(self) -> Sequence[Any]:
        """The hidden states that rows start from, each as likely. They can be sorted."""

    @abstractmethod
    def columns(self, hidden: Any) -> dict[str, Any]:
        """A row's columns that say where it starts."""

    def drawn(self, draw: random.Random) -> dict[str, Any]:
        return self.columns(draw.choice(self.starts()))

    def believed(self, hidden: Any) -> tuple[Any, ...]:
        return self._beliefs[self.first(hidden)]

    def enough(self, belief: tuple[Any, ...], left: int) -> int:
        """How many turns of those left there can be use for."""
        return left

    def at_most(self, group: Sequence[Any]) -> float:
        """No policy earns more from here, as a sum over these hidden states of which the same was told; the search leaves out what cannot be best."""
        return math.inf

    def best(self, belief: tuple[Any, ...], left: int) -> Action:
        return self.solution.best(belief, left)

    @cached_property
    def solution(self) -> "Solution":
        return Solution(self)

    @cached_property
    def _beliefs(self) -> dict[str, tuple[Any, ...]]:
        found = defaultdict(list)
        for start in sorted(self.starts()):
            found[self.first(start)].append(start)
        return {told: tuple(starts) for told, starts in found.items()}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("solution", "_beliefs")}


class Solution:
    """What is best in each belief, found as it is asked for and remembered. Of actions that are as good, the one that is expected to end sooner."""

    def __init__(self, rules: Solved):
        self.rules = rules
        self._found: dict[tuple[tuple[Any, ...], int], _Best] = {}

    def expected(self) -> float:
        """The optimum: the expected return of who plays best, over rows."""
        starts = self.rules.starts()
        beliefs = {self.rules.believed(start) for start in starts}
        return sum(len(b) * self.value(b, self.rules.turns) for b in beliefs) / len(starts)

    def value(self, belief: tuple[Any, ...], left: int) -> float:
        return self._solve(belief, left).total / len(belief)

    def best(self, belief: tuple[Any, ...], left: int) -> Action:
        return self._solve(belief, left).action if len(belief) <= self.rules.exact else self._telling(belief)

    def _solve(self, belief: tuple[Any, ...], left: int) -> "_Best":
        left = self.rules.enough(belief, left)
        known = self._found.get((belief, left))
        if known is None:
            known = self._found[belief, left] = self._tried(belief, left)
        return known

    def _tried(self, belief: tuple[Any, ...], left: int) -> "_Best":
        ways = [(action, list(self._told(belief, action).values())) for action in self.rules.moves(belief[0])]
        ways = [way for way in ways if left == 1 or not _wasted(belief, way[1])] or ways[:1]
        hopes = [(sum(self._hope(group) for group in groups), action, groups) for action, groups in ways]
        best: _Best | None = None
        for hope, action, groups in sorted(hopes, key=lambda way: -way[0]):
            if best is not None and hope <= best.total:
                break
            here = self._worth(action, groups, left)
            if best is None or (round(here.total, 9), -here.length) > (round(best.total, 9), -best.length):
                best = here
        assert best is not None
        return best

    def _hope(self, group: list[Outcome]) -> float:
        """What a group that is told the same can at most earn from here."""
        return sum(outcome.reward for outcome in group) + (
            0.0 if group[0].done else self.rules.at_most([outcome.hidden for outcome in group])
        )

    def _worth(self, action: Action, groups: list[list[Outcome]], left: int) -> "_Best":
        total, length = 0.0, 0.0
        for group in groups:
            total += sum(outcome.reward for outcome in group)
            length += len(group)
            if not group[0].done and left > 1:
                after = self._solve(tuple(sorted(outcome.hidden for outcome in group)), left - 1)
                total, length = total + after.total, length + after.length
        return _Best(action, total, length)

    def _telling(self, belief: tuple[Any, ...]) -> Action:
        def entropy(action: Action) -> float:
            sizes = [len(group) for group in self._told(belief, action).values()]
            return -sum(size * math.log(size / len(belief)) for size in sizes)

        return max(self.rules.moves(belief[0]), key=entropy)

    def _told(self, belief: tuple[Any, ...], action: Action) -> dict[tuple[str, bool], list[Outcome]]:
        groups: dict[tuple[str, bool], list[Outcome]] = defaultdict(list)
        for hidden in belief:
            outcome = self.rules.after(hidden, action)
            if outcome is not None:
                groups[outcome.text, outcome.done].append(outcome)
        return groups


@dataclass(frozen=True)
class _Best:
    """An action, and the returns and lengths that follow, as sums over a belief."""

    action: Action
    total: float
    length: float


def _wasted(belief: tuple[Any, ...], groups: list[list[Outcome]]) -> bool:
    """Whether nothing is learned and nothing moves: the turn is as well wasted at the end."""
    return len(groups) == 1 and not groups[0][0].done and all(o.hidden == h for o, h in zip(groups[0], belief, strict=True))
