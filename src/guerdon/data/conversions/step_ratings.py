"""Step ratings: solutions whose every step was rated by people, as an answer in steps with verdicts.

    {question: {problem}, label: {steps: [{completions: [{text, rating}], chosen_completion}]}} -> {prompt, completions: [step], labels: [rating ...]}

A solution goes along the steps that were chosen, up to the first place where none was: there the first rated step ends it. A step written by a person
(``human_completion``) has no rating, and the solution ends before it. Ratings are -1, 0 and 1; ``neutral`` says what a 0 is. ``alternatives`` makes a solution of
each rated step that was not gone on from as well, which ends with it.

Who rated (``labeler``), why a solution ends (``finish_reason``) and what is right (``ground_truth_answer``) go on as ``annotator``, ``finish_reason`` and ``answer``.

Left out: solutions without a rated step, and problems that were found to be wrong themselves.

Source: PRM800K, arXiv 2305.20050. Neutral steps are good ones as in its appendix on the reward model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each
from guerdon.witness import Witness


@dataclass(frozen=True)
class StepRatings:
    reads: ClassVar[str] = "step_ratings"
    gives: ClassVar[str] = "stepwise"
    neutral: bool = True
    alternatives: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._solution)

    def _solution(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if row["label"].get("finish_reason") == "bad_problem":
            raise LeftOut("the problem itself is wrong")
        rest = _more(row)
        texts, labels, others = [], [], []
        for step in row["label"]["steps"]:
            chosen, rated = step.get("chosen_completion"), step.get("completions") or []
            gone = chosen is None and (step.get("human_completion") is not None or not rated)
            for place, other in enumerate(rated):
                if (gone or place != (chosen or 0)) and other.get("rating") is not None:
                    others.append({"completions": [*texts, other["text"]], "labels": [*labels, self._verdict(other)]})
            if gone:
                break
            said = rated[chosen or 0]
            if said.get("rating") is None:
                break
            texts.append(said["text"])
            labels.append(self._verdict(said))
            if chosen is None:
                break
        others = others if self.alternatives else []
        if not texts and not others:
            raise LeftOut("no step is rated")
        for made in ([{"completions": texts, "labels": labels}] if texts else []) + others:
            yield {"prompt": row["question"]["problem"], **made, **rest}

    def _verdict(self, said: Mapping[str, Any]) -> bool:
        return said["rating"] > 0 or (self.neutral and said["rating"] == 0)


def _more(row: Mapping[str, Any]) -> dict[str, Any]:
    held = {
        "annotator": row.get("labeler"),
        "finish_reason": row["label"].get("finish_reason"),
        "answer": row["question"].get("ground_truth_answer"),
    }
    return {name: value for name, value in held.items() if value is not None}


def _step(chosen: int | None, *ratings: tuple[str, int]) -> dict[str, Any]:
    return {"completions": [{"text": text, "rating": rating} for text, rating in ratings], "chosen_completion": chosen}


_rows = [
    {
        "question": {"problem": "p"},
        "label": {"steps": [_step(1, ("x", -1), ("a", 1)), _step(0, ("b", 0)), _step(None, ("c", -1)), _step(0, ("d", 1))]},
    },
    {"question": {"problem": "q"}, "label": {"steps": []}},
]
_row, _left_out = {"prompt": "p", "completions": ["a", "b", "c"]}, {"no step is rated": 1}
witness = (
    Witness(
        StepRatings(),
        given={"rows": _rows},
        returns={"rows": [{**_row, "labels": [True, True, False]}], "left_out": _left_out},
    ),
    Witness(
        StepRatings(neutral=False),
        parent=StepRatings(),
        given={"rows": _rows},
        returns={"rows": [{**_row, "labels": [True, False, False]}], "left_out": _left_out},
    ),
    Witness(
        StepRatings(alternatives=True),
        parent=StepRatings(),
        given={"rows": _rows},
        returns={
            "rows": [{**_row, "labels": [True, True, False]}, {"prompt": "p", "completions": ["x"], "labels": [False]}],
            "left_out": _left_out,
        },
    ),
)
