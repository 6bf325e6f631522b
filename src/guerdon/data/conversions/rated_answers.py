"""Rated answers: several answers to an instruction, each with ratings, as a ranking.

    {instruction, completions: [{response, annotations: {aspect: {Rating}}, overall_score}, ...]} -> {prompt, completions: [response], scores}

The score of an answer is the mean of its ratings over the aspects, and where it has none its ``overall_score``. The ratings of an aspect go on as a list in the column
of its name, where all answers have them. Answers without either are left out of
their row; left out: rows with fewer than two that are rated.

Source: UltraFeedback's columns, arXiv 2310.01377. The mean of the ratings comes first because ``overall_score`` is wrong in places there, as its users found
(a 1 was read as a 10); ``by`` turns that around.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from guerdon.data.conversions._converted import Converted, LeftOut, each, needed, without
from guerdon.data.conversions.instruction import Instruction
from guerdon.witness import Witness


@dataclass(frozen=True)
class RatedAnswers:
    reads: ClassVar[str] = "ratings"
    gives: ClassVar[str] = "ranking"
    by: Literal["ratings", "overall_score"] = "ratings"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._ranking)

    def _ranking(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        rated = [
            (answer["response"], self._score(answer), _aspects(answer)) for answer in needed(row, "completions") if answer.get("response")
        ]
        rated = [(text, score, aspects) for text, score, aspects in rated if score is not None]
        if len(rated) < 2:
            raise LeftOut("fewer than two answers are rated")
        texts, scores, aspects = zip(*rated, strict=True)
        name = "instruction" if "instruction" in row else "prompt"
        rest = without(row, name, "completions", "models", "correct_answers", "incorrect_answers")
        lists = {aspect: [own[aspect] for own in aspects] for aspect in aspects[0] if all(aspect in own for own in aspects)}
        yield {"prompt": needed(row, name), "completions": list(texts), "scores": list(scores), **lists, **rest}

    def _score(self, answer: Mapping[str, Any]) -> float | None:
        ratings = list(_aspects(answer).values())
        ways = (sum(ratings) / len(ratings) if ratings else None, _number(answer.get("overall_score")))
        return next((score for score in (ways if self.by == "ratings" else ways[::-1]) if score is not None), None)


def _aspects(answer: Mapping[str, Any]) -> dict[str, float]:
    """The ratings, by aspect."""
    said = {aspect: _number((a or {}).get("Rating")) for aspect, a in (answer.get("annotations") or {}).items()}
    return {aspect: rating for aspect, rating in said.items() if rating is not None}


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):  # nothing, or "N/A"
        return None
    return found if math.isfinite(found) else None


_answers = [
    {"response": "a", "annotations": {"helpful": {"Rating": "1"}, "honest": {"Rating": "2"}}, "overall_score": 10},
    {"response": "b", "annotations": {"helpful": {"Rating": "5"}, "honest": {"Rating": "N/A"}}, "overall_score": 8},
    {"response": "c", "overall_score": 7.5},
    {"response": "d"},
]
_rows = [{"instruction": "p", "completions": _answers, "source": "s"}, {"instruction": "q", "completions": _answers[2:]}]
_row, _left_out = {"prompt": "p", "completions": ["a", "b", "c"], "source": "s"}, {"fewer than two answers are rated": 1}
witness = (
    Witness(
        RatedAnswers(),
        parent=Instruction(),
        given={"rows": _rows},
        returns={"rows": [{**_row, "scores": [1.5, 5.0, 7.5]}], "left_out": _left_out},
    ),
    Witness(
        RatedAnswers("overall_score"),
        parent=RatedAnswers(),
        given={"rows": _rows},
        returns={"rows": [{**_row, "scores": [10.0, 8.0, 7.5]}], "left_out": _left_out},
    ),
)
