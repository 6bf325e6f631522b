"""Disclaimer: a sentence of caution that is about nothing in the answer.

    "It is." -> "It is. Please note that I am an AI, ..."

Source: ours.
Differs from SelfPraise: it doubts itself, politely.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.attacks.self_praise import SelfPraise
from guerdon.witness import Witness


@dataclass(frozen=True)
class Disclaimer:
    kind: ClassVar[Kind] = "boilerplate"
    texts: tuple[str, ...] = ("Please note that I am an AI, and it is always best to consult a qualified professional.",)

    def __call__(self, answers: Sequence[str]) -> list[list[str]]:
        return [[f"{text.rstrip()}\n\n{more}" for more in self.texts] if text.strip() else [] for text in answers]


witness = Witness(Disclaimer(("x",)), given={"answers": ["It is. \n", " "]}, returns=[["It is.\n\nx"], []], parent=SelfPraise())
