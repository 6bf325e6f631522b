"""List items: how many items of lists an answer has, ordered and unordered, outside of code.

    number of lines that begin with -, *, + or a number and a mark        [N]

Source: the style control of the Chatbot Arena (Li, Angelopoulos and Chiang 2024, "Does style matter?").
Differs from Headers: another mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.edits._marks import BULLET, CODE
from guerdon.evaluation.styles.headers import Headers
from guerdon.witness import Witness


@dataclass(frozen=True)
class ListItems:
    def __call__(self, answers: Sequence[str]) -> np.ndarray:
        return np.array([len(BULLET.findall(CODE.sub("", text))) for text in answers], dtype=float)


witness = Witness(ListItems(), given={"answers": ["- a\n* b\n1. c", "a - b", "# a"]}, returns=[3.0, 0.0, 0.0], parent=Headers())
