"""Reference conclusion: the known answer in the place of one's own, after one's own reasoning.

    prompt, reasoning, conclusion → row[column] after (prompt, reasoning)        None where the row has none, or the answer comes to no conclusion

Source: RLPR, arXiv 2506.18254, and VeriFree, arXiv 2505.21493: the likelihood of the reference answer in the place of the generated one.
Differs from OwnConclusion: what is likely has to be true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.conclusions import is_actions, split
from guerdon.feedback.recasting import Recast
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.feedback.text import gold_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class ReferenceConclusion:
    column: str = "answer"
    steps: int = 1

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None:
        found = split(completion, prompt, self.steps)
        gold = gold_of(completion, row.get(self.column))
        return None if found is None or not gold else Recast(prompt, found[0], gold)


def gold_of(completion: Any, gold: Any) -> Any:
    """The answer of a row in the form in which the policy answers: actions, or a text, of a worked solution what follows its ``####``."""
    if is_actions(completion):
        return [int(gold)] if isinstance(gold, int) else list(gold or ())
    text = gold_text(gold)
    return None if text is None else text.rpartition("####")[2].strip()


witness = (
    Witness(
        ReferenceConclusion(),
        parent=OwnConclusion(),
        given={"prompt": "2+3?", "completion": r"so \boxed{6}", "row": {"answer": "2+3=5 #### 5"}},
        returns={"prompt": "2+3?", "begun": r"so \boxed{", "measured": "5"},
    ),
    Witness(
        ReferenceConclusion("gold", 2),
        parent=ReferenceConclusion("gold"),
        given={"prompt": 0, "completion": [3, 1, 2], "row": {"gold": [0, 0]}},
        returns={"prompt": 0, "begun": [3], "measured": [0, 0]},
    ),
    Witness(
        ReferenceConclusion("gold"),
        parent=ReferenceConclusion(),
        given={"prompt": "q", "completion": "#### 1", "row": {"gold": 7}},
        returns={"prompt": "q", "begun": "#### ", "measured": "7"},
    ),
)
