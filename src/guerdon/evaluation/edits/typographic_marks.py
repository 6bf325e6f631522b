"""Typographic marks: quotation marks, apostrophes, dashes and dots as printers set them, instead of as keyboards have them.

    "It's \"so\" -- well..." -> "It’s “so” – well…"        not within code

Source: ours; Unicode's general punctuation.
Differs from DoubledSpaces: other characters, which have other tokens, in the words' places.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits._marks import CODE
from guerdon.evaluation.edits.doubled_spaces import DoubledSpaces
from guerdon.witness import Witness

_SET = (
    (re.compile(r"\.\.\."), "…"),
    (re.compile(r"(?<=\s)--(?=\s)|(?<=\w)--(?=\w)"), "–"),
    (re.compile(r'(?<![^\s(\[])"(?=\S)'), "“"),
    (re.compile(r'"'), "”"),
    (re.compile(r"(?<![^\s(\[“])'(?=\S)"), "‘"),
    (re.compile(r"'"), "’"),
)


@dataclass(frozen=True)
class TypographicMarks:
    matters: ClassVar[bool] = False

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [None if (found := _set(text)) == text else found for text in answers]


def _set(text: str) -> str:
    pieces, at = [], 0
    for code in CODE.finditer(text):
        pieces += [_of_words(text[at : code.start()]), code.group()]
        at = code.end()
    return "".join([*pieces, _of_words(text[at:])])


def _of_words(text: str) -> str:
    for pattern, mark in _SET:
        text = pattern.sub(mark, text)
    return text


witness = Witness(
    TypographicMarks(),
    given={"answers": ['It\'s "so" -- well...', "```x = 'a'```", "No."]},
    returns=["It’s “so” – well…", None, None],
    parent=DoubledSpaces(),
)
