"""Headers: how many headers of markdown an answer has, outside of code.

    number of lines that begin with one to six # and a space        [N]

Source: the style control of the Chatbot Arena (Li, Angelopoulos and Chiang 2024, "Does style matter?").
Differs from Characters: a mark is counted, not length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.edits._marks import CODE, HEADER
from guerdon.evaluation.styles.characters import Characters
from guerdon.witness import Witness


@dataclass(frozen=True)
class Headers:
    def __call__(self, answers: Sequence[str]) -> np.ndarray:
        return np.array([len(HEADER.findall(CODE.sub("", text))) for text in answers], dtype=float)


witness = Witness(
    Headers(), given={"answers": ["# a\ntext\n## b", "#1 of all", "```\n# c\n```"]}, returns=[2.0, 0.0, 0.0], parent=Characters()
)
