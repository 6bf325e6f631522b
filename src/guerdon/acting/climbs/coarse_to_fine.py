"""Coarse to fine: a climb at each level of detail in turn, from the broad idea to its particulars, each from several starts whose optima are put together.

    at each level: ``starts`` greedy climbs from the point, which change that level alone
                   the best of their ends: one after the other against the best so far, asked ``compared`` times, in half of them the other way round; the majority decides
                   a climb from there with all of them to make use of, again if it led nowhere, ``recombinations`` times at most; then the next level begins from its end

A detail is settled when what it is a detail of is, and stays as it is when finer ones are. With ``levels`` 1 everything may change at once (level None). The budget is shared by
the levels equally, and in each so that every climb and what follows them could spend as much as is left in equal parts.

Source: MOOSE-Chem2, Yang et al. 2025, arXiv 2505.19209, section 3 in summaries, and its authors' code (``hierarchy_greedy.py``; five of each, ten comparisons). There nothing is
counted; that the budget is shared so is ours. There may be a beam of ends that go on; its default is one, as here.
Differs from Greedy: what is broad is decided before what is fine, and more than one optimum is looked at.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.acting.climbs import Counted, Prefer, Propose
from guerdon.acting.climbs.greedy import Greedy, Listed, climbed, higher
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class CoarseToFine:
    levels: int = 5
    starts: int = 5
    patience: int = 5
    recombinations: int = 5
    compared: int = 10

    def __post_init__(self) -> None:
        if min(self.levels, self.starts, self.patience, self.compared) < 1 or self.recombinations < 0:
            raise InputError(
                f"coarse_to_fine: levels, starts, patience and compared are 1 or more, and recombinations 0 or more, not {self}"
            )

    def __call__(self, start: Any, propose: Propose, prefer: Prefer, budget: int) -> Any:
        point = start
        for level in range(self.levels):
            point = self._level(point, level if self.levels > 1 else None, propose, Counted(prefer, budget // self.levels))
        return point

    def _level(self, point: Any, level: int | None, propose: Propose, prefer: Counted) -> Any:
        found = []
        for climb in range(self.starts):
            share = Counted(prefer, prefer.left // (self.starts + 1 - climb))
            found.append(climbed(point, propose, share, self.patience, level))
        best = found[0]
        for other in found[1:]:
            best = other if self._better(other, best, prefer) else best
        for _ in range(self.recombinations if len(found) > 1 else 0):
            reached = climbed(best, propose, prefer, self.patience, level, found)
            if reached != best:
                return reached
        return best

    def _better(self, other: Any, best: Any, prefer: Counted) -> bool:
        if other == best:
            return False
        turned = self.compared // 2
        votes = sum(prefer(other, best) for _ in range(self.compared - turned))
        votes += sum(prefer.left > 0 and not prefer(best, other) for _ in range(turned))
        return votes * 2 > self.compared


def _turned(point: str, level: int | None, others: Any) -> str:
    """The letter of the level, or else the first, is changed."""
    place = level or 0
    return point[:place] + ("b" if point[place] == "a" else "a") + point[place + 1 :]


def _later(first: str, second: str) -> bool:
    return first > second


_one = CoarseToFine(levels=1, starts=1, patience=1, recombinations=0, compared=1)
_two = CoarseToFine(levels=1, starts=2, patience=1, recombinations=0, compared=1)
_letters = {"start": "aa", "propose": _turned, "prefer": _later, "budget": 20}
_given = {"start": "a", "propose": Listed("b", "a", "c", "a", "e", "a"), "prefer": higher, "budget": 99}
witness = (
    Witness(  # first ba, of which the first letter stays, then bb
        CoarseToFine(levels=2, starts=1, patience=1, recombinations=0, compared=1), parent=Greedy(), given=_letters, returns="bb"
    ),
    Witness(_one, parent=CoarseToFine(levels=2, starts=1, patience=1, recombinations=0, compared=1), given=_letters, returns="ba"),
    Witness(_two, parent=_one, given=_given, returns="c"),  # b from the one start, c from the other
    Witness(
        CoarseToFine(levels=1, starts=2, patience=1, recombinations=1, compared=1), parent=_two, given=_given, returns="e"
    ),  # e is proposed when both are known
    Witness(
        CoarseToFine(levels=1, starts=1, patience=2, recombinations=0, compared=1),
        parent=_one,
        given={**_given, "propose": Listed("d", "a", "c", "a")},
        returns="c",
    ),
    Witness(  # c against b: yes and no, and asked the other way round b is better
        CoarseToFine(levels=1, starts=2, patience=1, recombinations=0, compared=3),
        parent=_two,
        given={**_given, "prefer": Listed(True, False, True, False, True, False, True)},
        returns="b",
    ),
)
