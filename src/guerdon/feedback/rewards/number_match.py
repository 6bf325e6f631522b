r"""Number match: 1 where the number that a completion ends on is the number of the answer.

    reward = right if |said - gold| <= tolerance * max(1, |gold|) else wrong

``said`` is the last number of the completion, or the first one after the last ``marker`` (such as ``####``, ``\boxed{`` or
``Answer:``; without the marker the completion is wrong). ``gold`` comes from the column ``answer``: a number, or a string that is
one number with its currency and unit (``"$1,234.50"``, ``"12 eggs"``), or a worked solution that ends on ``#### 72``. Thousands
separators (also LaTeX's ``1{,}234``), a leading currency sign, a percent sign and units are ignored on both sides. A gold that holds
no number, or several without ``####`` (``"1/2"``, ``"3, 4"``), gives None: it is not this reward's to judge, and is never 1.

Source: the answer extraction of GSM8K, arXiv 2110.14168 (the final answer after ``####``, commas dropped); the last number
where no marker is asked for is the "flexible" reading that evaluation harnesses use. ``tolerance`` 1e-6 lets decimal answers
be written with rounding noise only.
Differs from StringMatch: 1,234.0 and $1234 are the same.
Invalid for fractions, intervals and expressions: use MathEquivalence.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import after_marker, final_text
from guerdon.witness import Witness

_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)\]}])[-+])?"  # a minus after a word, a digit or a bracket subtracts
    r"\$?(?P<inner>(?<=\$)[-+])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<exponent>[eE][-+]?\d+)?"
)


@dataclass(frozen=True)
class NumberMatch:
    marker: str | None = None  # None: the last number of the completion
    tolerance: float = 1e-6
    right: float = 1.0
    wrong: float = 0.0

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._judge(completion, gold) for completion, gold in zip(completions, answer, strict=True)]

    def _judge(self, completion: Any, gold: Any) -> float | None:
        wanted = gold_number(gold)
        if wanted is None:
            return None
        said = self._said(final_text(completion))
        if said is None:
            return self.wrong
        close = abs(said - wanted) <= Decimal(repr(self.tolerance)) * max(Decimal(1), abs(wanted))
        return self.right if close else self.wrong

    def _said(self, text: str) -> Decimal | None:
        text = after_marker(text, self.marker)
        found = numbers_in(text) if text is not None else []
        if not found:
            return None
        return found[-1] if self.marker is None else found[0]


def gold_number(gold: Any) -> Decimal | None:
    """The one number that an answer states, or None where it states none or several."""
    if gold is None or isinstance(gold, bool):
        return None
    if not isinstance(gold, str):
        gold = repr(gold.item() if hasattr(gold, "item") else gold)
    marked = "####" in gold
    found = numbers_in(gold.rpartition("####")[2])
    return found[0] if found and (marked or len(found) == 1) else None


def numbers_in(text: str) -> list[Decimal]:
    """Every number written in ``text``, in order. A minus directly after a digit or a word subtracts and is no sign."""
    text = text.replace("{,}", ",").replace("\\,", "").replace("\\!", "").replace("\\$", "$").replace("\u2212", "-")
    found = []
    for match in _NUMBER.finditer(text):
        sign = match["sign"] or match["inner"] or ""
        try:
            found.append(Decimal(sign + match["digits"].replace(",", "") + (match["exponent"] or "")))
        except InvalidOperation:  # an exponent beyond what decimals hold
            continue
    return found


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
