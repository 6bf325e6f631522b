"""Other prompt: the same answer to the question in other words.

    prompt, completion → completion in answer to row[column]        None where the row has no other wording

Source: the consistency between rewordings that Co-Reward rewards by votes (arXiv 2508.00410, section 3.2), here by the likelihood of the very answer; the form is ours.
Differs from OwnConclusion: all of the answer is measured, and what it answers is another prompt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.conclusions import is_actions
from guerdon.feedback.recasting import Recast
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class OtherPrompt:
    column: str = "paraphrase"

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None:
        other, said = row.get(self.column), list(completion) if is_actions(completion) else whole_text(completion)
        return None if other is None or not said else Recast(other, said[:0], said)


witness = (
    Witness(
        OtherPrompt(),
        parent=OwnConclusion(),
        given={"prompt": "2+3?", "completion": "it is 5", "row": {"paraphrase": "2 and 3?"}},
        returns={"prompt": "2 and 3?", "begun": "", "measured": "it is 5"},
    ),
    Witness(
        OtherPrompt("twin"),
        parent=OtherPrompt(),
        given={"prompt": 0, "completion": [1, 2], "row": {"twin": 3}},
        returns={"prompt": 3, "begun": [], "measured": [1, 2]},
    ),
)
