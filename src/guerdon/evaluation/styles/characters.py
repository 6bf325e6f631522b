"""Characters: how long an answer is.

    number of characters        [N]

Source: length, as in the style control of the Chatbot Arena (Li, Angelopoulos and Chiang 2024, "Does style matter?"), which counts tokens; characters need no
tokenizer, and are alike for all models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guerdon.witness import Witness


@dataclass(frozen=True)
class Characters:
    def __call__(self, answers: Sequence[str]) -> np.ndarray:
        return np.array([len(text) for text in answers], dtype=float)


witness = Witness(Characters(), given={"answers": ["abc", ""]}, returns=[3.0, 0.0])
