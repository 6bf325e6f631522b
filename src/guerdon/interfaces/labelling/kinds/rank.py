"""Rank: several answers in an order, from the best; equals share a rank.

    {"ranks": [1, 2, 2, 3]}  →  {prompt, completions, ranks}: the mean rank that each was given

Two rankings are compared pair by pair: -1, 0 or 1 for each two answers. They agree where no pair stands the other way round.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from guerdon.data.conversions._converted import LeftOut
from guerdon.errors import InputError
from guerdon.evaluation.distances import Distance
from guerdon.evaluation.distances.interval import Interval
from guerdon.interfaces.labelling.kinds._shared import Shared, field, short
from guerdon.interfaces.labelling.reading import Item, Row, has_several, several


@dataclass(frozen=True)
class Rank(Shared):
    distance: ClassVar[Distance] = Interval()

    def __call__(self, row: Row) -> Item:
        return several(row)

    def fits(self, row: Row) -> bool:
        return has_several(row)

    def known(self, row: Row, item: Item) -> dict[str, Any]:
        name = "ranks" if "ranks" in row else "scores"
        given = row.get(name)
        if not isinstance(given, list) or not all(isinstance(x, int | float) and math.isfinite(x) for x in given):
            raise InputError("the row knows no answer: give it ranks (1 is the best) or scores, a list of numbers")
        if len(given) != len(item.answers):
            raise InputError(f"there are {len(item.answers)} answers and {len(given)} ranks or scores; give one for each")
        return {"ranks": _dense([x if name == "ranks" else -x for x in given])}

    def read(self, given: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        ranks = field(given, "ranks")
        if not isinstance(ranks, list) or len(ranks) != len(item.answers) or not all(type(r) is int for r in ranks):
            raise InputError(f"ranks are {len(item.answers)} whole numbers, one for each answer, not {short(ranks)}")
        if set(ranks) != set(range(1, max(ranks) + 1)):
            raise InputError(f"ranks begin with 1 and leave no number out, and these are {short(ranks)}")
        found = dict(zip(order, ranks, strict=True))
        return {"ranks": [found[i] for i in range(len(ranks))]}

    def back(self, answer: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        return {"ranks": [answer["ranks"][i] for i in order]}

    def units(self, answer: Any, item: Item) -> dict[str, dict[str, float]]:
        ranks = answer["ranks"]
        return {"order": {f"{a}-{b}": float((ranks[a] > ranks[b]) - (ranks[a] < ranks[b])) for a, b in combinations(range(len(ranks)), 2)}}

    def apart(self, one: Any, other: Any, item: Item) -> float:
        first, second = (self.units(answer, item)["order"] for answer in (one, other))
        return sum(first[pair] * second[pair] < 0 for pair in first) / len(first)

    def merged(self, answers: Sequence[Any], item: Item, soft: bool) -> dict[str, Any]:
        ranks = [sum(places) / len(answers) for places in zip(*(answer["ranks"] for answer in answers), strict=True)]
        if len(set(ranks)) == 1:
            raise LeftOut("no answer is better than another")
        return item.asked | {"completions": list(item.answers), "ranks": ranks}

    def said(self, answer: Any) -> str:
        return " ".join(map(str, answer["ranks"]))


def _dense(given: Sequence[float]) -> list[int]:
    places = {value: place for place, value in enumerate(sorted(set(given)), 1)}
    return [places[value] for value in given]
