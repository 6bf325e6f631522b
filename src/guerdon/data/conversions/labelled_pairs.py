"""Labelled pairs: which of two answers people preferred in a labelling tool, a pair for each of them.

    Label Studio's Pairwise, or a question of Argilla whose answer names one of two fields -> {prompt, chosen, rejected, annotator}

The answers are the two fields that are called alike but for a last letter or number (``response_a``, ``response_b``; ``text1``, ``text2``), the left one first;
``left``, ``right`` and ``prompt`` name others. Further fields go on as columns.

Left out: ties, what was cancelled or not submitted, and rows of which the columns do not tell what was compared.

Source: Label Studio's documents on Pairwise (``selected: left``); Argilla's on label questions.
Differs from LabelledRankings: one of two is better, and not by how many places.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, as_messages, each
from guerdon.data.conversions._exports import Judgement, answers, labelled, named, others, prompt_of
from guerdon.data.conversions.unpair import Unpair
from guerdon.witness import Witness

NOT_GIVEN = "a judgement that was cancelled or not submitted"


@dataclass(frozen=True)
class LabelledPairs:
    reads: ClassVar[str] = "labelled_pairs"
    gives: ClassVar[str] = "pairs"
    left: str | None = None
    right: str | None = None
    prompt: str | None = None
    suggestions: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._pairs)

    def _pairs(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any] | LeftOut]:
        found = labelled(row, self.suggestions)
        prompt = self.prompt or prompt_of(found.fields)
        if prompt is None or not found.fields.get(prompt):
            raise LeftOut("no field holds the prompt; name it: labelled_pairs.prompt=...")
        sides = tuple(answers(found.fields)) if self.left is None and self.right is None else (self.left, self.right)
        if len(sides) != 2 or any(not found.fields.get(side) for side in sides):
            raise LeftOut(
                "which two fields are compared is not told by their names; name them: labelled_pairs.left=..., labelled_pairs.right=..."
            )
        for judgement in found.judgements:
            if judgement.kind == "pairs":
                yield self._pair(judgement, prompt, sides, found) if judgement.given else LeftOut(NOT_GIVEN)

    def _pair(self, judgement: Judgement, prompt: str, sides: tuple[str, ...], found: Any) -> dict[str, Any] | LeftOut:
        by_place = {"left": sides[0], "right": sides[1]}
        better = by_place.get(judgement.value) or named(str(judgement.value), found.fields)
        if better not in sides:
            return LeftOut("neither of the two is preferred")
        chosen, rejected = found.fields[better], found.fields[sides[better == sides[0]]]
        asked = found.fields[prompt]
        if not isinstance(asked, str):
            chosen, rejected = (as_messages(side, "assistant") for side in (chosen, rejected))
        rest = {**found.rest, **others(found.fields, prompt, *sides), "annotator": judgement.annotator}
        return {**rest, "prompt": asked, "chosen": chosen, "rejected": rejected}


def _said(side: str, who: int, cancelled: bool = False) -> dict[str, Any]:
    result = {"type": "pairwise", "from_name": "better", "to_name": "t1,t2", "value": {"selected": side}}
    return {"completed_by": who, "was_cancelled": cancelled, "result": [result]}


_row = {
    "id": 7,
    "data": {"prompt": "p", "answer1": "a", "answer2": "b", "topic": "t"},
    "annotations": [_said("right", 1), _said("left", 2, True)],
}
_pair = {"prompt": "p", "chosen": "b", "rejected": "a", "id": 7, "topic": "t", "annotator": 1}
witness = (
    Witness(LabelledPairs(), parent=Unpair(), given={"rows": [_row]}, returns={"rows": [_pair], "left_out": {NOT_GIVEN: 1}}),
    Witness(
        LabelledPairs(left="answer2", right="answer1"),
        parent=LabelledPairs(),
        given={"rows": [_row]},
        returns={"rows": [{**_pair, "chosen": "a", "rejected": "b"}], "left_out": {NOT_GIVEN: 1}},
    ),
    Witness(
        LabelledPairs(prompt="topic"),
        parent=LabelledPairs(),
        given={"rows": [_row]},
        returns={
            "rows": [{"prompt": "t", "chosen": "b", "rejected": "a", "id": 7, "annotator": 1}],
            "left_out": {NOT_GIVEN: 1},
        },
    ),
)
