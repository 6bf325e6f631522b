"""Spoken: numbers in words, "twenty-one", "three hundred and five", "minus two thirds"."""

import re
from dataclasses import replace
from decimal import Decimal

from guerdon.feedback.written import Written, is_whole

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_SMALL = {word: number for number, word in enumerate(_ONES.split(" "))}
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * number for number, word in enumerate(_TEN_WORDS.split(" "), 2)}
_PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9}
_PARTS |= {"tenth": 10, "eleventh": 11, "twelfth": 12, "twentieth": 20, "hundredth": 100, "thousandth": 1000}
_PARTS |= {f"{word}s": number for word, number in _PARTS.items() if word not in ("half", "halves")}
_OTHERS = ("hundred", "thousand", "million", "and", "a", "minus", "negative")
_LONGEST = 20  # words: "minus" and three times "nine hundred and ninety nine", of millions, thousands and ones, are 18


def spoken(text: str) -> Written | None:
    """A number in words: "twenty-one", "three hundred", "two thirds", "one and a half"."""
    words = re.sub(r"[-\s]+", " ", text.lower()).split()
    if not words or len(words) > _LONGEST or not all(w in _SMALL or w in _TENS or w in _PARTS or w in _OTHERS for w in words):
        return None
    whole, joint, part = " ".join(words).rpartition(" and ")
    if (
        joint
        and words[-1] in _PARTS
        and (wholes := spoken(whole)) is not None
        and (parts := spoken(part)) is not None
        and is_whole(wholes.value)
        and 0 < parts.value < 1
    ):
        return replace(wholes, value=wholes.value + parts.value.copy_sign(wholes.value), end=len(text))
    sign = -1 if words[0] in ("minus", "negative") else 1
    words = [w for w in words if w not in ("and", "minus", "negative")]
    below = _PARTS.get(words[-1]) if words else None
    if below is not None:
        above = _counted(words[:-1]) if words[:-1] not in ([], ["a"]) else 1
        value = None if above is None else Decimal(sign * above) / Decimal(below)
    else:
        counted = _counted(words)
        value = None if counted is None else Decimal(sign * counted)
    return None if value is None else Written(value, False, 0, len(text))


def _counted(words: list[str]) -> int | None:
    total = group = 0
    last = None
    for word in words:
        if word in _SMALL:
            if last == "small" or (last == "ten" and not 0 < _SMALL[word] < 10):
                return None
            group, last = group + _SMALL[word], "small"
        elif word in _TENS:
            if last in ("small", "ten"):
                return None
            group, last = group + _TENS[word], "ten"
        elif word == "hundred":
            group, last = max(group, 1) * 100, None
        elif word in ("thousand", "million"):
            total, group, last = total + max(group, 1) * (1000 if word == "thousand" else 10**6), 0, None
        elif word == "a" and not group and not total:
            continue
        else:
            return None
    return total + group if words and words != ["a"] else None
