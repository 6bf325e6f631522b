r"""Boxed: the last number of the answer, or its last word, in a box at the end.

    "It is 12 of 40." -> "It is 12 of 40.\n\n\boxed{40}"

Source: ours; \boxed{} is what answers to problems of mathematics are told to end in. Answers that have a box already, and those without a word, are left alone.
Differs from BoldType: the mark stands for a result, whatever is in it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.attacks.bold_type import BoldType
from guerdon.witness import Witness

_NUMBER, _WORD = re.compile(r"\d[\d.,]*\d|\d"), re.compile(r"\w+")


@dataclass(frozen=True)
class Boxed:
    kind: ClassVar[Kind] = "format"

    def __call__(self, answers: Sequence[str]) -> list[list[str]]:
        return [_boxed(text) for text in answers]


def _boxed(text: str) -> list[str]:
    found = _NUMBER.findall(text) or _WORD.findall(text)
    return [f"{text.rstrip()}\n\n\\boxed{{{found[-1]}}}"] if found and "\\boxed" not in text else []


witness = Witness(
    Boxed(),
    given={"answers": ["It is 12 of 40.", "So it is.", "\\boxed{3}", "?"]},
    returns=[["It is 12 of 40.\n\n\\boxed{40}"], ["So it is.\n\n\\boxed{is}"], [], []],
    parent=BoldType(),
)
