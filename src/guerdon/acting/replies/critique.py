"""Critique: the policy itself says what is wrong with its answer, and then answers again.

    reply = ask, then        columns of the row in braces; the policy speaks after either

What it says to ``ask`` is its critique. It is part of the second attempt: what comes of that attempt is what the critique is praised or blamed for, unless ``learned`` is false.

Source: Self-Refine, arXiv 2303.17651 (answer, feedback, refinement by one model); trained, as in S2R, arXiv 2502.12853. The words are ours.
Differs from Sentence: the looking for an error is a turn of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.acting.replies.sentence import Sentence
from guerdon.tasks.filling import filled
from guerdon.witness import Witness


@dataclass(frozen=True)
class Critique:
    ask: str = "Check the answer above step by step, and say what is wrong with it, if anything is."
    then: str = "Now give the whole answer again, with what you found mended."
    learned: bool = True

    def __call__(self, row: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
        return [(filled(self.ask, own), filled(self.then, own)) for own in row]


witness = Witness(Critique("why {x}?", "again"), parent=Sentence("why {x}?"), given={"row": [{"x": 1}]}, returns=[("why 1?", "again")])
