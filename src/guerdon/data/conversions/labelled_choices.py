"""Labelled choices: the word that people chose for an answer in a labelling tool, as a verdict on it.

    Label Studio's Choices, or a label question of Argilla -> {prompt, completion, label, annotator}

Which words are verdicts: ``good`` and ``bad``, in whatever case. What was shown without a prompt (a text to be classified) is an answer to nothing and is left out.

Left out besides: what was cancelled or not submitted, words that are neither good nor bad, several words at once.

Source: Label Studio's documents on Choices; Argilla's on label questions. The words are ours.
Differs from LabelledRatings: a word, not a number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, as_messages, each
from guerdon.data.conversions._exports import Judgement, answers, counterpart, labelled, others, prompt_of
from guerdon.data.conversions.labelled_pairs import NOT_GIVEN
from guerdon.data.conversions.labelled_ratings import LabelledRatings
from guerdon.witness import Witness

GOOD = (
    "good",
    "accept",
    "accepted",
    "yes",
    "true",
    "right",
    "correct",
    "positive",
    "helpful",
    "safe",
    "approve",
    "approved",
    "thumbs up",
    "up",
    "pass",
)
BAD = (
    "bad",
    "reject",
    "rejected",
    "no",
    "false",
    "wrong",
    "incorrect",
    "negative",
    "unhelpful",
    "unsafe",
    "refuse",
    "refused",
    "thumbs down",
    "down",
    "fail",
)


@dataclass(frozen=True)
class LabelledChoices:
    reads: ClassVar[str] = "labelled_choices"
    gives: ClassVar[str] = "unpaired"
    good: tuple[str, ...] = GOOD
    bad: tuple[str, ...] = BAD
    prompt: str | None = None
    suggestions: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._verdicts)

    def _verdicts(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any] | LeftOut]:
        found = labelled(row, self.suggestions)
        prompt = self.prompt or prompt_of(found.fields)
        if prompt is None or not found.fields.get(prompt):
            raise LeftOut("no field holds the prompt; name it: labelled_choices.prompt=...")
        for judgement in found.judgements:
            if judgement.kind == "choices":
                yield self._verdict(judgement, prompt, found) if judgement.given else LeftOut(NOT_GIVEN)

    def _verdict(self, judgement: Judgement, prompt: str, found: Any) -> dict[str, Any] | LeftOut:
        if not isinstance(judgement.value, str):
            return LeftOut("several words were chosen at once")
        word = " ".join(judgement.value.lower().replace("_", " ").split())
        sides = [word in {one.lower() for one in words} for words in (self.good, self.bad)]
        if not any(sides):
            return LeftOut(
                f"{judgement.value!r} is neither good nor bad; name it: labelled_choices.good=[...] or labelled_choices.bad=[...]"
            )
        of = next((one for name in (*judgement.of, judgement.name) if (one := counterpart(name, found.fields)) not in (None, prompt)), None)
        if of is None:
            return LeftOut("which answer a word is for is not told")
        asked, said = found.fields[prompt], found.fields[of]
        said = said if isinstance(asked, str) else as_messages(said, "assistant")
        rest = {**found.rest, **others(found.fields, prompt, *answers(found.fields)), "annotator": judgement.annotator}
        return {**rest, "prompt": asked, "completion": said, "label": sides[0]}


_row = {
    "fields": {"instruction": "p", "response": "a"},
    "responses": {
        "verdict": [
            {"value": "Accept", "user_id": "u"},
            {"value": "meh", "user_id": "v"},
            {"value": "no", "user_id": "w", "status": "draft"},
        ]
    },
}
_made = {"prompt": "p", "completion": "a", "label": True, "annotator": "u"}
_why = "'meh' is neither good nor bad; name it: labelled_choices.good=[...] or labelled_choices.bad=[...]"
witness = (
    Witness(
        LabelledChoices(), parent=LabelledRatings(), given={"rows": [_row]}, returns={"rows": [_made], "left_out": {_why: 1, NOT_GIVEN: 1}}
    ),
    Witness(
        LabelledChoices(bad=("meh",)),
        parent=LabelledChoices(),
        given={"rows": [_row]},
        returns={"rows": [_made, {**_made, "label": False, "annotator": "v"}], "left_out": {NOT_GIVEN: 1}},
    ),
)
