"""Sentence: the same is said to every answer, right or wrong.

    reply = text        columns of the row in braces

Nothing in it says whether the answer was right, so that the policy has to find out by itself: intrinsic self-correction.

Source: SCoRE, arXiv 2409.12917, whose second attempt follows such a sentence; the default's words are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.tasks.filling import filled
from guerdon.witness import Witness


@dataclass(frozen=True)
class Sentence:
    text: str = "There may be an error in the answer above. Look for it, mend it if there is one, and give the whole answer again."

    def __call__(self, row: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
        return [(filled(self.text, own),) for own in row]


witness = Witness(Sentence("Is {x} right? {{}}"), given={"row": [{"x": 1}, {"x": "b"}]}, returns=[("Is 1 right? {}",), ("Is b right? {}",)])
