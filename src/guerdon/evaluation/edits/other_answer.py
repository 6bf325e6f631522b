"""Other answer: the answer to another prompt, fluent and beside the point.

    answers[i] -> answers[(i + 1) mod N], or the next that says something else

Source: ours. Where all answers say the same there is no other one.
Differs from Truncation: a whole answer, to something that was not asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits.truncation import Truncation
from guerdon.witness import Witness


@dataclass(frozen=True)
class OtherAnswer:
    matters: ClassVar[bool] = True

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        count = len(answers)
        ring = [*answers, *answers]
        return [
            next((other for other in ring[i + 1 : i + count] if other != text and other.strip()), None) for i, text in enumerate(answers)
        ]


witness = (
    Witness(OtherAnswer(), given={"answers": ["a b c d", "e", "e"]}, returns=["e", "a b c d", "a b c d"], parent=Truncation()),
    Witness(OtherAnswer(), given={"answers": ["a", "a"]}, returns=[None, None]),
)
