"""Shuffled sentences: the same sentences in another order.

    "One. Two. Three." -> "Three. One. Two."        drawn by ``seed``, never as they were

Source: ours. Answers of fewer than three sentences, and those whose sentences are all alike, are left alone: two may do in either order. Line breaks become spaces.
Differs from OtherAnswer: to the prompt, and every sentence is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from guerdon.evaluation.edits._marks import sentences
from guerdon.evaluation.edits.other_answer import OtherAnswer
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class ShuffledSentences:
    matters: ClassVar[bool] = True
    seed: int = 0

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [self._shuffled(text, place) for place, text in enumerate(answers)]

    def _shuffled(self, text: str, place: int) -> str | None:
        found = sentences(text)
        if len(found) < 3 or len(set(found)) < 2:
            return None
        draw = np.random.default_rng(derive(self.seed, "sentences", place))
        order = list(draw.permutation(len(found)))
        while [found[i] for i in order] == found:
            order = list(draw.permutation(len(found)))
        return " ".join(found[i] for i in order)


# Of these three sentences there are two other orders; the seed says which.
witness = (
    Witness(ShuffledSentences(), given={"answers": ["B. A. A.", "A. B."]}, returns=["A. B. A.", None], parent=OtherAnswer()),
    Witness(ShuffledSentences(seed=5), given={"answers": ["B. A. A."]}, returns=["A. A. B."], parent=ShuffledSentences()),
)
