"""What follows: the text that goes on in the data, after everything that was said: the whole completion was a thought.

    prompt, thought → row[column] after (prompt, thought, ``between``)        None where the row has none

With ``log_likelihood`` this is what a thought is worth to the prediction of what comes next, at any place of any text; ``between`` is what stands between a thought and what
follows it ("</think>"), and a finite world has none.

Source: the reasoned scorer of RLP, arXiv 2510.01265, eq. 3, where one token follows; here as many as the column holds.
Differs from ReferenceConclusion: nothing of the completion is taken for an answer and replaced.
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
class WhatFollows:
    column: str = "answer"
    between: str = ""

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None:
        gold = gold_of(completion, row.get(self.column))
        said = list(completion) if is_actions(completion) else whole_text(completion) + self.between
        return Recast(prompt, said, gold) if gold else None


_row = {"prompt": "2+3=", "completion": "3 more than 2: 6", "row": {"answer": 5}}
witness = (
    Witness(
        WhatFollows(), parent=ReferenceConclusion(), given=_row, returns={"prompt": "2+3=", "begun": "3 more than 2: 6", "measured": "5"}
    ),
    Witness(
        WhatFollows("next", "|"),
        parent=WhatFollows("next"),
        given={"prompt": "2+3=", "completion": "hm", "row": {"next": "5."}},
        returns={"prompt": "2+3=", "begun": "hm|", "measured": "5."},
    ),
    Witness(
        WhatFollows(),
        parent=ReferenceConclusion(),
        given={"prompt": 0, "completion": [3, 1], "row": {"answer": 2}},
        returns={"prompt": 0, "begun": [3, 1], "measured": [2]},
    ),
)
