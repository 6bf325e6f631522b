"""Labelled ratings: the numbers that people gave answers in a labelling tool, a row for each answer and person.

    Label Studio's Rating and Number, or rating questions of Argilla -> {prompt, response, attributes: {question: rating}, annotator}

A rating is of the answer that its tag names, of the only one, or of that whose field ends as the question does (``rating_2``, ``response_2``; the question is
then called ``rating``).

Left out: what was cancelled or not submitted, ratings of which nothing tells the answer.

Source: Label Studio's documents on Rating; Argilla's on rating questions.
Differs from LabelledRankings: numbers on a scale, of one answer at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each
from guerdon.data.conversions._exports import answers, counterpart, labelled, others, prompt_of
from guerdon.data.conversions.labelled_pairs import NOT_GIVEN
from guerdon.data.conversions.labelled_rankings import LabelledRankings
from guerdon.witness import Witness


@dataclass(frozen=True)
class LabelledRatings:
    reads: ClassVar[str] = "labelled_ratings"
    gives: ClassVar[str] = "attribute_ratings"
    prompt: str | None = None
    suggestions: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._ratings)

    def _ratings(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any] | LeftOut]:
        found = labelled(row, self.suggestions)
        prompt = self.prompt or prompt_of(found.fields)
        if prompt is None or not found.fields.get(prompt):
            raise LeftOut("no field holds the prompt; name it: labelled_ratings.prompt=...")
        rated: dict[tuple[Any, str], dict[str, float]] = {}
        for judgement in found.judgements:
            if judgement.kind != "ratings":
                continue
            if not judgement.given:
                yield LeftOut(NOT_GIVEN)
                continue
            of = next((one for name in (*judgement.of, judgement.name) if (one := counterpart(name, found.fields)) is not None), None)
            if of is None:
                yield LeftOut("which answer a rating is of is not told")
                continue
            rated.setdefault((judgement.annotator, of), {})[_question(judgement.name, len(answers(found.fields)))] = judgement.value
        rest = {**found.rest, **others(found.fields, prompt, *answers(found.fields))}
        for (annotator, of), attributes in rated.items():
            yield {**rest, "prompt": found.fields[prompt], "response": found.fields[of], "attributes": attributes, "annotator": annotator}


def _question(name: str, several: int) -> str:
    """Without the mark of the answer where there are several."""
    return name.rstrip("0123456789").rstrip("-_ ") or name if several > 1 else name


def _rates(**values: int) -> dict[str, Any]:
    results = [{"type": "rating", "from_name": name, "to_name": "t", "value": {"rating": value}} for name, value in values.items()]
    return {"completed_by": 1, "result": results}


_row = {"data": {"question": "p", "reply": "a", "model": "m"}, "annotations": [_rates(honest=4, helpful=2)]}
_both = {"data": {"q": "p", "question": "s", "text1": "a", "text2": "b"}, "annotations": [_rates(quality_1=4, quality_2=2, mood=1)]}
_rated = [{"prompt": "s", "response": r, "attributes": {"quality": n}, "q": "p", "annotator": 1} for r, n in (("a", 4), ("b", 2))]
_one = {"prompt": "p", "response": "a", "attributes": {"honest": 4, "helpful": 2}, "model": "m", "annotator": 1}
_lost = {"which answer a rating is of is not told": 1}
witness = (
    Witness(
        LabelledRatings(),
        parent=LabelledRankings(),
        given={"rows": [_row, _both]},
        returns={"rows": [_one, *_rated], "left_out": _lost},
    ),
    Witness(
        LabelledRatings(prompt="q"),
        parent=LabelledRatings(),
        given={"rows": [_both]},
        returns={
            "rows": [{**{k: v for k, v in row.items() if k != "q"}, "prompt": "p", "question": "s"} for row in _rated],
            "left_out": _lost,
        },
    ),
)
