"""Labelled spans: the places of an answer that people marked in a labelling tool, kept as a column beside it.

    Label Studio's Labels on a text, or a span question of Argilla -> {prompt, completion, spans: [{start, end, label}], annotator}

``start`` and ``end`` are places of characters in the completion, the end not included.

Left out: what was cancelled or not submitted, spans outside of their text, spans of which nothing tells the answer.

Source: Label Studio's documents on Labels; Argilla's on span questions.
Differs from LabelledChoices: of places in an answer, not of the answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each
from guerdon.data.conversions._exports import answers, counterpart, labelled, others, prompt_of
from guerdon.data.conversions.labelled_choices import LabelledChoices
from guerdon.data.conversions.labelled_pairs import NOT_GIVEN
from guerdon.witness import Witness


@dataclass(frozen=True)
class LabelledSpans:
    reads: ClassVar[str] = "labelled_spans"
    gives: ClassVar[str] = "prompt_completion"
    prompt: str | None = None
    suggestions: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._spans)

    def _spans(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any] | LeftOut]:
        found = labelled(row, self.suggestions)
        prompt = self.prompt or prompt_of(found.fields)
        if prompt is None or not found.fields.get(prompt):
            raise LeftOut("no field holds the prompt; name it: labelled_spans.prompt=...")
        for judgement in found.judgements:
            if judgement.kind != "spans":
                continue
            if not judgement.given:
                yield LeftOut(NOT_GIVEN)
                continue
            of = next(
                (one for name in (*judgement.of, judgement.name) if (one := counterpart(name, found.fields)) not in (None, prompt)), None
            )
            text = found.fields[of] if of is not None else None
            if not isinstance(text, str):
                yield LeftOut("which answer spans are of is not told")
                continue
            if not all(0 <= span["start"] < span["end"] <= len(text) for span in judgement.value):
                yield LeftOut("a span lies outside of its text")
                continue
            rest = {**found.rest, **others(found.fields, prompt, *answers(found.fields)), "annotator": judgement.annotator}
            yield {**rest, "prompt": found.fields[prompt], "completion": text, "spans": list(judgement.value)}


def _marks(*spans: tuple[int, int]) -> dict[str, Any]:
    results = [
        {"type": "labels", "from_name": "l", "to_name": "answer", "value": {"start": a, "end": b, "text": "", "labels": ["wrong"]}}
        for a, b in spans
    ]
    return {"completed_by": 1, "result": results}


_row = {"data": {"prompt": "p", "topic": "t", "answer": "2 + 2 = 5"}, "annotations": [_marks((0, 1), (8, 9)), _marks((8, 11))]}
_spans = [{"start": 0, "end": 1, "label": "wrong"}, {"start": 8, "end": 9, "label": "wrong"}]
_made = {"prompt": "p", "completion": "2 + 2 = 5", "spans": _spans, "topic": "t", "annotator": 1}
_left_out = {"a span lies outside of its text": 1}
witness = (
    Witness(LabelledSpans(), parent=LabelledChoices(), given={"rows": [_row]}, returns={"rows": [_made], "left_out": _left_out}),
    Witness(
        LabelledSpans(prompt="topic"),
        parent=LabelledSpans(),
        given={"rows": [_row]},
        returns={"rows": [{k: v for k, v in _made.items() if k != "topic"} | {"prompt": "t"}], "left_out": _left_out},
    ),
)
