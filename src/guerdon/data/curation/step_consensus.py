"""Step consensus: a solution is learned from where all who labelled its steps find its first error at the same step, or none at all.

    {prompt, completions: [step ...], verdicts: [[label of each step] of each labeller ...]} -> {prompt, completions, labels}, through the first error        or nothing

A label below ``threshold`` is an error. Of a solution that is kept, the steps through the first error are, with the labels 1 ... 1, 0; what follows was judged by nobody alike.

Source: The Lessons of Developing Process Reward Models (Qwen2.5-Math-PRM), arXiv 2501.07301: labels by Monte Carlo and by a judge; the abstract and summaries.
Differs from RejectionSampling: rows are dropped because labellers disagree, and not for their score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class StepConsensus:
    threshold: float = 0.5

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        kept = []
        for i, row in enumerate(rows):
            steps, verdicts = list(row["completions"]), row.get("verdicts") or ()
            if len(verdicts) < 2 or any(len(own) != len(steps) for own in verdicts):
                raise InputError(
                    f"row {i + 1} must have in 'verdicts' the labels of two labellers or more, one for each of its {len(steps)} steps"
                )
            first = {next((t for t, label in enumerate(own) if float(label) < self.threshold), -1) for own in verdicts}
            if len(first) == 1:
                error = first.pop()
                last = len(steps) if error < 0 else error + 1
                rest = {name: value for name, value in row.items() if name != "verdicts"}
                kept.append({**rest, "completions": steps[:last], "labels": [float(t != error) for t in range(last)]})
        return kept


_row = {"prompt": "p", "completions": ["a", "b", "c"], "scores": [0.0, 1.0, 0.0]}
_rows = [{**_row, "verdicts": own} for own in ([[1, 0, 1], [0.9, 0.4, 0.2]], [[1, 0, 0], [1, 1, 0]], [[1, 1, 1], [0.6, 0.9, 0.7]])]
_found = [{**_row, "completions": ["a", "b"], "labels": [1.0, 0.0]}, {**_row, "labels": [1.0, 1.0, 1.0]}]
witness = (
    Witness(StepConsensus(), parent=RejectionSampling(), given={"rows": _rows}, returns=_found),
    Witness(StepConsensus(threshold=0.65), parent=StepConsensus(), given={"rows": _rows}, returns=_found[:1]),
)
