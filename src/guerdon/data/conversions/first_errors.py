"""First errors: a solution in steps of which it is known where it first goes wrong, as steps with verdicts.

    {problem, steps, label} -> {prompt: problem, completions: steps through the first error, labels}      label: the index of the first error, -1: there is none

What follows the first error was not judged, and is cut off. Whoever looks for the first error finds it, or does not, in what is left as in the whole.

Left out: labels that are no index of a step.

Source: ProcessBench, arXiv 2412.06559, section 2.
Differs from StepRatings: one place for each solution, not a rating for each step.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each, needed, without
from guerdon.data.conversions.step_ratings import StepRatings
from guerdon.witness import Witness


@dataclass(frozen=True)
class FirstErrors:
    reads: ClassVar[str] = "first_errors"
    gives: ClassVar[str] = "stepwise"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _solution)


def _solution(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    steps, label = list(needed(row, "steps")), row["label"]
    if isinstance(label, bool) or not isinstance(label, int | float) or label != int(label) or not -1 <= label < len(steps):
        raise LeftOut("the label is neither -1 nor the index of a step")
    last = len(steps) if label == -1 else int(label) + 1
    labels = [i != label for i in range(last)]
    yield {"prompt": needed(row, "problem"), "completions": steps[:last], "labels": labels, **without(row, "problem", "steps", "label")}


_row = {"id": "gsm8k-0", "problem": "p", "steps": ["a", "b", "c"]}
_made = {"prompt": "p", "id": "gsm8k-0"}
witness = Witness(
    FirstErrors(),
    parent=StepRatings(),
    given={"rows": [{**_row, "label": label} for label in (1, -1, 3)]},
    returns={
        "rows": [
            {**_made, "completions": ["a", "b"], "labels": [True, False]},
            {**_made, "completions": ["a", "b", "c"], "labels": [True, True, True]},
        ],
        "left_out": {"the label is neither -1 nor the index of a step": 1},
    },
)
