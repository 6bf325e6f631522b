"""Without reasoning: the known answer at once, in answer to the prompt alone.

    prompt → row[column] after prompt        None where the row has none

What is gained over it is what the reasoning is worth: beside ``reference_conclusion``, with a weight of -1.

Source: the debiasing of RLPR, arXiv 2506.18254, which cuts the difference below at 0; RLP, arXiv 2510.01265, in whose place a moving average of the policy (``by: ema``) says it.
Differs from ReferenceConclusion: nothing of what was sampled is read, so that it is a baseline of its prompt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.recasting import Recast
from guerdon.feedback.recasting.reference_conclusion import ReferenceConclusion, gold_of
from guerdon.witness import Witness


@dataclass(frozen=True)
class WithoutReasoning:
    column: str = "answer"

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None:
        gold = gold_of(completion, row.get(self.column))
        return Recast(prompt, gold[:0], gold) if gold else None


_row = {"prompt": "2+3?", "completion": r"so \boxed{6}", "row": {"answer": 5, "other": 7}}
witness = (
    Witness(WithoutReasoning(), parent=ReferenceConclusion(), given=_row, returns={"prompt": "2+3?", "begun": "", "measured": "5"}),
    Witness(WithoutReasoning("other"), parent=WithoutReasoning(), given=_row, returns={"prompt": "2+3?", "begun": "", "measured": "7"}),
)
