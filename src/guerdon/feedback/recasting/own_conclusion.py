"""Own conclusion: of an answer only its end, what it comes to, after everything that was said before.

    prompt, reasoning, conclusion → conclusion after (prompt, reasoning)        None where it comes to none

What a text concludes is its marked answer, else what it states, else all of it (``guerdon.feedback.conclusions``); of actions it is the last ``steps``.

Source: the answer span whose confidence is the reward of RLSF (arXiv 2507.21931) and of RENT's "last chunk" (arXiv 2505.22660).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.conclusions import split
from guerdon.feedback.recasting import Recast
from guerdon.witness import Witness


@dataclass(frozen=True)
class OwnConclusion:
    steps: int = 1

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None:
        found = split(completion, prompt, self.steps)
        return None if found is None else Recast(prompt, *found)


witness = (
    Witness(
        OwnConclusion(),
        given={"prompt": "2+3?", "completion": r"2 and 3 is \boxed{5}", "row": {}},
        returns={"prompt": "2+3?", "begun": r"2 and 3 is \boxed{", "measured": "5"},
    ),
    Witness(
        OwnConclusion(2),
        parent=OwnConclusion(),
        given={"prompt": 0, "completion": [3, 1, 2], "row": {}},
        returns={"prompt": 0, "begun": [3], "measured": [1, 2]},
    ),
)
