"""Attribute ratings: answers that were rated by attribute, those to one prompt put together as a ranking by one of the attributes.

    {prompt, response, helpfulness, correctness, ...} of a prompt (and annotator) -> {prompt, completions, scores: [attribute ``by``], helpfulness: [...], ...}

``by`` names the attribute, or several of which the mean counts; none: ``helpfulness``, or the mean of all where there is no such attribute. Every attribute that
all answers have goes on as a list. Columns in which the answers agree go on.

Left out: answers that are alone with their prompt, and those without a number to be ranked by.

Source: HelpSteer, arXiv 2311.09528, and HelpSteer2, arXiv 2406.08673, section 4.1, where helpfulness orders the pairs of which reward models learn.
Differs from RatedAnswers: a row for each answer, not for each prompt.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted
from guerdon.data.conversions._shapes import ATTRIBUTES
from guerdon.data.conversions.rated_answers import RatedAnswers
from guerdon.witness import Witness

FIRST = ATTRIBUTES[0]


@dataclass(frozen=True)
class AttributeRatings:
    reads: ClassVar[str] = "attribute_ratings"
    gives: ClassVar[str] = "ranking"
    by: tuple[str, ...] = ()

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        groups: dict[str, list[tuple[int, Mapping[str, Any], float]]] = {}
        left_out: Counter[str] = Counter()
        first: dict[str, int] = {}

        def leave(place: int, reason: str) -> None:
            left_out[reason] += 1
            first.setdefault(reason, place)

        for place, row in enumerate(rows):
            score = self._score(attributes(row))
            if score is None or not row.get("response"):
                leave(place, "no rating to be ranked by" if row.get("response") else "nothing in column 'response'")
            else:
                key = json.dumps([row["prompt"], row.get("annotator")], sort_keys=True, default=str)
                groups.setdefault(key, []).append((place, row, score))
        made, places = [], []
        for group in groups.values():
            if len(group) < 2:
                leave(group[0][0], "the only rated answer to its prompt")
                continue
            made.append(_together([row for _, row, _ in group], [score for _, _, score in group]))
            places.append(group[0][0])
        return Converted(made, dict(left_out), first, places)

    def _score(self, rated: Mapping[str, float]) -> float | None:
        names = self.by or ((FIRST,) if FIRST in rated else tuple(rated))
        if not names or any(name not in rated for name in names):
            return None
        return sum(rated[name] for name in names) / len(names)


def attributes(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers by which an answer was rated."""
    held = row.get("attributes") if isinstance(row.get("attributes"), Mapping) else {name: row.get(name) for name in ATTRIBUTES}
    return {name: float(value) for name, value in held.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _together(rows: list[Mapping[str, Any]], scores: list[float]) -> dict[str, Any]:
    rated = [attributes(row) for row in rows]
    lists = {name: [own[name] for own in rated] for name in rated[0] if all(name in own for own in rated)}
    taken = {"prompt", "response", "attributes", *ATTRIBUTES}
    shared = {k: v for k, v in rows[0].items() if k not in taken and all(k in row and row[k] == v for row in rows)}
    return {"prompt": rows[0]["prompt"], "completions": [row["response"] for row in rows], "scores": scores, **lists, **shared}


_rows = [
    {"prompt": "p", "response": "a", "helpfulness": 4, "verbosity": 1, "split": "s"},
    {"prompt": "q", "response": "x", "helpfulness": 4},
    {"prompt": "p", "response": "b", "helpfulness": 2, "verbosity": 3, "split": "s"},
    {"prompt": "p", "response": "c", "helpfulness": None},
]
_row = {"prompt": "p", "completions": ["a", "b"], "helpfulness": [4.0, 2.0], "verbosity": [1.0, 3.0], "split": "s"}
witness = (
    Witness(
        AttributeRatings(),
        parent=RatedAnswers(),
        given={"rows": _rows},
        returns={
            "rows": [{**_row, "scores": [4.0, 2.0]}],
            "left_out": {"no rating to be ranked by": 1, "the only rated answer to its prompt": 1},
        },
    ),
    Witness(
        AttributeRatings(by=("verbosity",)),
        parent=AttributeRatings(),
        given={"rows": _rows},
        returns={"rows": [{**_row, "scores": [1.0, 3.0]}], "left_out": {"no rating to be ranked by": 2}},
    ),
)
