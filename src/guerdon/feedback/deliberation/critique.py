"""Critique: write down what is good and what is wrong before the verdict.

Source: critique before reward, Ankner et al. 2024 (CLoud), arXiv 2408.11791, where a head reads the score behind the critique; here it is written. The words are ours.
``max_tokens`` 384: ours.
Differs from Reasoning: it is about the answer's merits and faults, named with what shows them, and not about the way to the verdict.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.feedback.deliberation.reasoning import Reasoning
from guerdon.witness import Witness


@dataclass(frozen=True)
class Critique:
    name: ClassVar[str] = "critique"

    max_tokens: int = 384

    def __call__(self, verdict: str) -> str:
        return f"Name what is good and what is wrong or missing in what was answered, and quote what shows it; the {verdict} has to follow from that."


witness = Witness(
    Critique(),
    parent=Reasoning(),
    given={"verdict": "score"},
    returns="Name what is good and what is wrong or missing in what was answered, and quote what shows it; the score has to follow from that.",
)
