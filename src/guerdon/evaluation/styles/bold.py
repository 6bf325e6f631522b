"""Bold: how often an answer sets something in bold type, outside of code.

    number of texts between ** and **, or __ and __        [N]

Source: the style control of the Chatbot Arena (Li, Angelopoulos and Chiang 2024, "Does style matter?").
Differs from ListItems: another mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.edits._marks import BOLD, CODE
from guerdon.evaluation.styles.list_items import ListItems
from guerdon.witness import Witness


@dataclass(frozen=True)
class Bold:
    def __call__(self, answers: Sequence[str]) -> np.ndarray:
        return np.array([len(BOLD.findall(CODE.sub("", text))) for text in answers], dtype=float)


witness = Witness(Bold(), given={"answers": ["**a** and __b__", "2 ** 3 ** 4", "- a"]}, returns=[2.0, 0.0, 0.0], parent=ListItems())
