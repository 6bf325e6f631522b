r"""Number match: 1 where the number that a completion answers with is the number of the answer.

    reward = right if |said - gold| <= tolerance * |gold| else wrong        two whole numbers have to be equal

``said`` is the number in the marked answer of the completion (the last ``\boxed{}``, ``<answer>``, ``####``), else the last number of the
sentence in which it says "the answer is", else its last number; neither "4 or 5" nor "not 5" is a number. What it says while thinking
does not count, and a last box that is not closed is no answer. With a ``marker`` (such as ``Answer:``) it is the first one after the
last marker, and without the marker the completion is wrong. ``gold`` comes from the column ``answer``: a number, or a string that is
one number with its currency and unit (``"$1,234.50"``, ``"12 eggs"``), or a worked solution that ends on ``#### 72``. Thousands
separators (also LaTeX's ``1{,}234`` and ``1\,234``), a leading currency sign and units are ignored on both sides; a percentage is its number or its
hundredth; fractions and powers of a completion are read as the numbers they are (``guerdon.feedback.written``). A gold that holds
no number, or several without ``####`` (``"1/2"``, ``"3, 4"``), gives None: it is not this reward's to judge, and is never 1.

Source: the answer extraction of GSM8K, arXiv 2110.14168 (the final answer after ``####``, commas dropped); the last number
where no marker is asked for is the "flexible" reading that evaluation harnesses use. ``tolerance`` 1e-6 lets decimal answers
be written with rounding noise only.
Differs from StringMatch: 1,234.0 and $1234 are the same.
Invalid for fractions, intervals and expressions: use MathEquivalence. Its time is linear in the text, so it needs no process of its own.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from guerdon.feedback.answers import marked, stated
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import after_marker, answer_text, gold_text
from guerdon.feedback.written import Written, agree, last_number, numbers, plain
from guerdon.witness import Witness

_COMMA = re.compile(r"[\s$\u20ac\u00a3]*([-+]?\d+),(\d{1,2}|\d{4,})[\s\u20ac\u00a3.]*")
_BETWEEN = re.compile(r"\W*(?:and|or|\\text\{ ?(?:and|or) ?\})?\W*")


@dataclass(frozen=True)
class NumberMatch:
    marker: str | None = None  # None: the marked answer, or the last number of the completion
    tolerance: float = 1e-6
    right: float = 1.0
    wrong: float = 0.0

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._judge(*row) for row in zip(prompts, completions, answer, strict=True)]

    def _judge(self, prompt: Any, completion: Any, gold: Any) -> float | None:
        wanted = _gold(gold)
        if wanted is None:
            return None
        said = self._said(answer_text(completion, prompt))
        return self.right if said is not None and agree(said, wanted, self.tolerance) else self.wrong

    def _said(self, text: str) -> Written | None:
        if self.marker is None:
            answer = marked(text)
            text = text if answer is None else answer.text
        else:
            text = after_marker(text, self.marker)
        if self.marker is None and answer is None:
            said = stated(text)
            return (last_number(said) if said is not None else None) or last_number(text)
        found = numbers(text) if text is not None else []
        if not found:
            return None
        if self.marker is not None:
            return found[0]
        shown = plain(text)
        decimal = _COMMA.fullmatch(shown)
        if decimal is not None:  # 3,14 in most of Europe
            found = numbers(f"{decimal.group(1)}.{decimal.group(2)}")
        several = len(found) > 1 and _BETWEEN.fullmatch(shown[found[0].end : found[1].start])
        return None if several else found[0]  # "5 or 6" answers with neither


def gold_number(gold: Any) -> Decimal | None:
    """The one number that an answer states, or None where it states none or several."""
    found = _gold(gold)
    return None if found is None else found.value


def numbers_in(text: str) -> list[Decimal]:
    """Every number written in ``text``, in order. A minus directly after a digit or a word subtracts and is no sign."""
    return [one.value for one in numbers(text) if one.value is not None]


def _gold(gold: Any) -> Written | None:
    gold = gold_text(gold)
    if gold is None:
        return None
    _, is_marked, last = gold.rpartition("####")
    found = numbers(last)
    if not found or found[0].value is None or not (is_marked or len(found) == 1):
        return None
    return found[0] if is_marked or found[0].kind == "number" else None  # fractions are for MathEquivalence


witness = (
    Witness(
        NumberMatch(),
        parent=StringMatch(),
        given={
            "prompts": ["q"] * 5,
            "completions": ["so 3 * 411.5 = $1,234.50.", "it is 1233", "-7", "no idea", "5"],
            "answer": ["1234.5", "1234", "18 - 25 = -7 #### -7", "4", "1/5"],
        },
        returns=[1.0, 0.0, 1.0, 0.0, None],
    ),
    Witness(
        NumberMatch(marker="####"),
        parent=NumberMatch(),
        given={"prompts": ["q"] * 2, "completions": ["#### 72 (of 80)", "the answer is 72"], "answer": [72, 72]},
        returns=[1.0, 0.0],
    ),
)
