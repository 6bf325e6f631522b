"""Explained solution: the known solution, to somebody who has the question and was given the explanation.

    prompt, completion → row[solution] after (row[question], completion, between)        None where the row lacks one of them, or nothing was explained

``prompt`` is the teacher's and shows it the solution; whoever measures (``by: student``) is asked ``row[question]``, which does not.

Source: RLT, Cetin et al. 2025, arXiv 2506.08388, and its authors' code (SakanaAI/RLT, ``teacher_rewards.py``): the student is shown the explanation as its own thoughts,
and its log-probabilities of the solution's tokens are the reward.
Differs from ReferenceConclusion: all that was said comes before the solution, nothing of it is cut off, and another prompt is answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.conclusions import is_actions
from guerdon.feedback.recasting import Recast
from guerdon.feedback.recasting.reference_conclusion import ReferenceConclusion, gold_of
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class ExplainedSolution:
    question: str = "question"
    solution: str = "solution"
    between: str = "\n"

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None:
        asked, solution = row.get(self.question), gold_of(completion, row.get(self.solution))
        if asked is None or not solution or not completion:
            return None
        return Recast(asked, list(completion) if is_actions(completion) else whole_text(completion) + self.between, solution)


_given = {
    "prompt": "2+3? It is 5.",
    "completion": "3 more than 2",
    "row": {"question": "2+3?", "solution": 5, "q": "2 and 3?", "s": "2+3=5 #### 5"},
}
witness = (
    Witness(
        ExplainedSolution(),
        parent=ReferenceConclusion("solution"),
        given=_given,
        returns={"prompt": "2+3?", "begun": "3 more than 2\n", "measured": "5"},
    ),
    Witness(
        ExplainedSolution("q", "s", " = "),
        parent=ExplainedSolution(),
        given=_given,
        returns={"prompt": "2 and 3?", "begun": "3 more than 2 = ", "measured": "5"},
    ),
    Witness(
        ExplainedSolution(),
        parent=ReferenceConclusion("solution"),
        given={"prompt": 7, "completion": [3, 1], "row": {"question": 2, "solution": [0, 4]}},
        returns={"prompt": 2, "begun": [3, 1], "measured": [0, 4]},
    ),
)
