"""Changed number: one of the numbers is another.

    "It is 12 of 40." -> "It is 12 of 41."        the last one, its last digit one more (9 becomes 0)

Source: ours; the last number of an answer is mostly its result. Numbers of enumerations at the beginning of a line are none.
Differs from Truncation: one digit is wrong, and nothing else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits.truncation import Truncation
from guerdon.witness import Witness

_NUMBER = re.compile(r"(?<![\d.])(?<!^)\d(?:[\d,.]*\d)?(?![\d])|(?<![\d.])^\d(?:[\d,.]*\d)?(?![\d.)])", re.M)


@dataclass(frozen=True)
class ChangedNumber:
    matters: ClassVar[bool] = True

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [_changed(text) for text in answers]


def _changed(text: str) -> str | None:
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    at = found[-1].end() - 1
    return f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"


witness = Witness(
    ChangedNumber(),
    given={"answers": ["It is 12 of 40.", "1. one\n2. two", "So 3.9", "none"]},
    returns=["It is 12 of 41.", None, "So 3.0", None],
    parent=Truncation(),
)
