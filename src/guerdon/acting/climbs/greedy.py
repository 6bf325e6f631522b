"""Greedy climb: what is preferred to the point takes its place, until nothing that is proposed has been for a while.

    point <- proposal    where prefer(proposal, point);        over after ``patience`` proposals in a row that were not, or when the budget is spent

Source: local search by first improvement; the greedy search of MOOSE-Chem2, Yang et al. 2025, arXiv 2505.19209, and its authors' code (``hierarchy_greedy.py``:
``locam_minimum_threshold`` 5, which is ``patience``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.acting.climbs import Counted, Prefer, Propose
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Greedy:
    patience: int = 5

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise InputError(f"greedy: patience is {self.patience}; let it be refused once or more before it gives up")

    def __call__(self, start: Any, propose: Propose, prefer: Prefer, budget: int) -> Any:
        return climbed(start, propose, Counted(prefer, budget), self.patience)


def climbed(start: Any, propose: Propose, prefer: Counted, patience: int, level: int | None = None, others: Sequence[Any] = ()) -> Any:
    """The local optimum that is reached from ``start``."""
    point, refused = start, 0
    while refused < patience and prefer.left > 0:
        another = propose(point, level, others)
        point, refused = (another, 0) if prefer(another, point) else (point, refused + 1)
    return point


class Listed:
    """Whatever it is asked, it says what is next in a list, and what is last again and again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def __call__(self, *asked: Any) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def higher(first: Any, second: Any) -> bool:
    """A preference by ``HEIGHT``."""
    return HEIGHT[first] > HEIGHT[second]


HEIGHT = {"a": 0, "b": 2, "c": 3, "d": 1, "e": 4}
_given = {"start": "b", "propose": Listed("d", "c", "d", "d", "e"), "prefer": higher, "budget": 9}
witness = (
    Witness(Greedy(patience=2), given=_given, returns="c"),  # d is lower, once and then twice; e is not seen
    Witness(Greedy(patience=1), parent=Greedy(patience=2), given=_given, returns="b"),
)
