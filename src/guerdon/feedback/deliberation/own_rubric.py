"""Own rubric: say what counts for this question, with weights, and judge by it.

Source: the rubric that a judge writes before it compares, RM-R1, Chen et al. 2025, arXiv 2505.02387 (rubric, justification, evaluation, verdict); principles
before critiques, DeepSeek-GRM, Liu et al. 2025, arXiv 2504.02495. The words are ours. ``max_tokens`` 512: ours.
Differs from Critique: what counts is written before anything is said about an answer.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.feedback.deliberation.critique import Critique
from guerdon.witness import Witness


@dataclass(frozen=True)
class OwnRubric:
    name: ClassVar[str] = "rubric"

    max_tokens: int = 512

    def __call__(self, verdict: str) -> str:
        return (
            "Write the three to five criteria by which a good answer to this question is known, each with its weight in percent, before you look at what was answered; "
            f"then say for each criterion how far it is met. The {verdict} has to follow from that."
        )


witness = Witness(
    OwnRubric(),
    parent=Critique(),
    given={"verdict": "score"},
    returns=(
        "Write the three to five criteria by which a good answer to this question is known, each with its weight in percent, before you look at what was answered; "
        "then say for each criterion how far it is met. The score has to follow from that."
    ),
)
