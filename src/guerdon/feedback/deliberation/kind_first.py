"""Kind first: say whether the question can be solved or is a matter of taste, and then either solve it or write down what counts.

    <type>Reasoning</type>  the judge's own solution, then each answer against it
    <type>Chat</type>       criteria with weights and reasons, then each answer against them

Source: RM-R1, Chen et al. 2025, arXiv 2505.02387, chain of rubrics (a type, then a rubric with a justification or a solution, evaluation, verdict); its authors' code
(github.com/RM-R1-UIUC/RM-R1). The words are ours; there answers are quoted and summed up in tags of their own. ``max_tokens`` 768: ours.
Differs from OwnRubric: where there is something to solve there is no list of criteria, but a solution to compare with.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.feedback.deliberation.own_rubric import OwnRubric
from guerdon.witness import Witness


@dataclass(frozen=True)
class KindFirst:
    name: ClassVar[str] = "reasons"

    max_tokens: int = 768

    def __call__(self, verdict: str) -> str:
        return (
            "Say first of what kind the question is: Reasoning, if it can be worked out (mathematics, code, knowledge), or Chat. If it is Reasoning, solve it yourself before you "
            "look at what was answered, and compare that with your solution; if it is Chat, write the criteria that count, each with its weight in percent and a reason, and say "
            f"how far each is met. The {verdict} has to follow from that."
        )


witness = Witness(
    KindFirst(),
    parent=OwnRubric(),
    given={"verdict": "preference"},
    returns=(
        "Say first of what kind the question is: Reasoning, if it can be worked out (mathematics, code, knowledge), or Chat. If it is Reasoning, solve it yourself before you "
        "look at what was answered, and compare that with your solution; if it is Chat, write the criteria that count, each with its weight in percent and a reason, and say "
        "how far each is met. The preference has to follow from that."
    ),
)
