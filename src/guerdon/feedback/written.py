r"""Written: the numbers in a text, as people and models write them.

    1,234.50   1{,}234   1\,234   1\ 234   1~234   1'234   12,34,567     thousands, also between LaTeX's and thin spaces
    1.234,50   1.234.567                                                 with the point and the comma the other way round
    -5   \u22125   $-5   -$5   +5                                             signs; a minus after a digit, a word or a bracket subtracts
    50%   50\%   50 percent                                              a percentage
    1/2   \frac{1}{2}   2 1/2   2\frac12   \u00bd                             fractions and mixed numbers
    1e3   1.5 x 10^3   1.5\times10^{3}   2^{10}                          powers
    3 million   $1.5k                                                    large numbers said

An exponent of a letter is no number: 12 cm^2 says 12, and x^2 none.

Every number has at most ``_DIGITS`` digits before and after its point; a longer one is not read, and equals no other. Linear in the text.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, DecimalException

_DIGITS = 5_000
_END = 240
_OPERATORS = ("-", "+", "*", "/")
_EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_SPACES = re.compile(
    r"\\[,;: ]|\\(?:thinspace|enspace|medspace|thickspace|quad|qquad)(?![a-zA-Z])|\\[hv]space\*?\{[^{}]{0,20}\}|~|[\u2000-\u200a\u202f\u205f\u00a0\u3000]"
)
_JOINTS = re.compile("(?<=\\d)[\u2009'\u2019_](?=\\d{3}(?!\\d))")
_CONTINENTAL = re.compile(r"(?<![\w.,])\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})(?![\d]|[.,]\d)")
_SCALE = re.compile(r"\s{0,2}(?:\\text\s?\{\s?)?(hundred|thousand|million|billion|trillion)\b\}?", re.IGNORECASE)
_SCALE_OF_MONEY = re.compile(r"\s?(k|K|M|bn|B)\b")
_SCALES = {"hundred": 2, "thousand": 3, "k": 3, "million": 6, "m": 6, "billion": 9, "bn": 9, "b": 9, "trillion": 12}  # powers of ten
_BOUND = r"(?:at most|at least|(?:more|less|fewer|greater|larger|smaller) than)"
_NOT = re.compile(
    rf"(?:\b(?:not|never|nor|nicht|pas|{_BOUND})|n't(?: be)?|\b\u043d\u0435|\u4e0d\u662f|\\neq?|\u2260)\s*(?:equal to|be)?[\s$*:]*$",
    re.IGNORECASE,
)
_ALSO = re.compile(r"[\s$]*,?\s*(?:\b(?:or|and|oder|ou|\u0438\u043b\u0438)\b|\u6216)[\s$]*")
_SET_OVER = re.compile(r"\{\s*([-+]?[\d.]+)\s*\\over\s*([\d.]+)\s*\}")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{\s*([-+]?[\d.,]+)\s*\}|(\d))\s*(?:\{\s*([-+]?[\d.,]+)\s*\}|(\d))")
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)\]}])[-+])?"  # a minus after a word, a digit or a bracket subtracts
    r"\$?(?P<inner>(?<=\$)[-+])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d{1,2}(?:,\d{2}){1,4},\d{3}(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<exponent>[eE][-+]?\d+)?"
)
_PERCENT = re.compile(r"\s{0,2}(?:\\?%|percent\b|per cent\b|pct\b)")
_OVER = re.compile(r"\s?/\s?")
_POWER = re.compile(r"\s?(?:\^|\*\*)\s?[{(]?\s?")
_EXPONENT = re.compile(
    r"(?:[^\W\d_]|[^\W\d_][})$])\s?(?:\^|\*\*)\s?[{(]?\s?$|\d\s?[cdkm]?m$"
)  # of a letter, as in 4 cm^2 and x^2, and 4 cm2
_BEFORE = 12
_TIMES = re.compile(r"\s{0,2}(?:\\times|\\cdot|\*|x|\u00d7|\u00b7|\u22c5)\s{0,2}")
_SUPERSCRIPTS = {
    ord(c): d for c, d in zip("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b", "0123456789-", strict=True)
}
_RAISED = re.compile(f"[{''.join(map(chr, _SUPERSCRIPTS))}]+")
_LONE_GROUPS = re.compile(r"^[-+$\u20ac\u00a3]?\d{1,3}(?: \d{3})+(?=\D*$)(?!\d)")
_LONE_SIGN = re.compile(r"^\s*([-+])\s+(?=[\d.$\\])")
_NO_LETTER = re.compile(r"[^\x00-\x7f]")
_MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\u2014\ufe63\uff0d\u2010\u2011", "-"))


@dataclass(frozen=True)
class Written:
    """A number of a text. ``value`` is None where it is too long to be read; ``percent``: a percent sign follows."""

    value: Decimal | None
    percent: bool
    start: int
    end: int
    kind: str = "number"  # or "fraction", "power"


def plain(text: str) -> str:
    """The text with one way of writing minus signs, spaces, thousands and fractions."""
    unusual = not text.isascii()
    if unusual:  # marks of direction and width, which nobody sees
        text = "".join(c for c in text if c.isascii() or unicodedata.category(c) != "Cf")
    if unusual:
        text = _RAISED.sub(lambda found: "^{" + found.group().translate(_SUPERSCRIPTS) + "}", text)
        text = _NO_LETTER.sub(lambda found: _vulgar(found.group()), text)
    if "\\" in text or "{,}" in text:
        text = text.replace("{,}", ",").replace("\\!", "").replace("\\$", "$").replace("\\%", "%")
    text = spaced(text)
    if unusual:
        text = unicodedata.normalize("NFKC", text).translate(_MINUS)
    text = continental(text)
    text = _LONE_GROUPS.sub(lambda found: found.group().replace(" ", ""), text)
    text = _LONE_SIGN.sub(r"\1", text)
    if "\\over" in text:
        text = _SET_OVER.sub(r"\\frac{\1}{\2}", text)
    return _FRACTION.sub(_over, text) if "frac" in text else text


def continental(text: str) -> str:
    """The text with a point before decimals and nothing between thousands, where both, or two points, say which is which."""
    return _CONTINENTAL.sub(lambda found: found.group().replace(".", "").replace(",", "."), text) if "." in text else text


def spaced(text: str) -> str:
    """The text with ordinary spaces in the place of LaTeX's and narrow ones, and none of them between the thousands of a number."""
    return _JOINTS.sub("", _SPACES.sub("\u2009", text)).replace("\u2009", " ")


def _over(found: re.Match[str]) -> str:
    """LaTeX's fraction with a slash, apart from a digit before it."""
    above, below = (one for one in found.groups() if one is not None)
    return f"{' ' if found.string[: found.start()][-1:].isdigit() else ''}{above}/{below} "


def numbers(text: str) -> list[Written]:
    """The numbers in a text, in order."""
    text = plain(text)
    found: list[Written] = []
    for match in _NUMBER.finditer(text):
        if _EXPONENT.search(text, max(match.start() - _BEFORE, 0), match.start()):
            continue
        sign = match["sign"] or match["inner"] or ""
        value = _value(sign, match["digits"], match["exponent"])
        percent = _PERCENT.match(text, match.end()) is not None
        one = Written(value, percent, match.start(), match.end())
        while found and (merged := _merged(text, found[-1], one, bool(sign))) is not None:
            sign = text[found.pop().start] in "-+"
            one = merged
        found.append(one)
    return [_scaled(text, one) for one in found]


def last_number(text: str) -> Written | None:
    """The last number in a text; of a long one only the end is looked at, if there is one."""
    end = text[-_END:]
    found = numbers(end)
    if len(end) < len(text) and (not found or found[-1].start < _END // 4):  # it may have been cut
        end, found = text, numbers(text)
    if not found:
        return None
    seen = plain(end)
    if len(found) > 1:
        between = seen[found[-2].end : found[-1].start]
        if between in _OPERATORS or _ALSO.fullmatch(between):
            return None  # "10-3" is a difference or a range, "4 or 5" is neither
    return None if denied(seen[max(found[-1].start - 24, 0) : found[-1].start]) else found[-1]


def denied(before: str) -> bool:
    """Whether what stands before a number says that it is not the answer."""
    return _NOT.search(before[-24:]) is not None


def close(one: Decimal, other: Decimal, tolerance: float) -> bool:
    """Whether two numbers are the same: within ``tolerance``, relatively; two whole numbers, exactly."""
    if one == other:
        return True
    if is_whole(one) and is_whole(other):
        return False
    allowed = _EXACT.multiply(Decimal(repr(tolerance)), max(abs(one), abs(other)))
    return _EXACT.abs(_EXACT.subtract(one, other)) <= _EXACT.multiply(allowed, Decimal("1.000000001"))


def agree(said: Written, gold: Written, tolerance: float) -> bool:
    """Whether a number answers another, either of which may be a percentage.

    50 % is 50 % and 0.5; where only one of them is marked, the number alone will do, but a gold of 0.5 is not 0.5 %.
    """
    if said.value is None or gold.value is None:
        return False
    if said.percent == gold.percent:
        return close(said.value, gold.value, tolerance)
    share, bare = (said, gold) if said.percent else (gold, said)
    if close(_EXACT.divide(share.value, Decimal(100)), bare.value, tolerance):
        return True
    return close(said.value, gold.value, tolerance) and (gold.percent or abs(gold.value) >= 1)


def is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()


def _value(sign: str, digits: str, exponent: str | None) -> Decimal | None:
    if len(digits) > _DIGITS or (exponent is not None and (len(exponent) > 9 or abs(int(exponent[1:])) > _DIGITS)):
        return None
    try:
        return Decimal(sign + digits.replace(",", "") + (exponent or ""))
    except DecimalException:
        return None


def _merged(text: str, before: Written, one: Written, signed: bool) -> Written | None:
    """Two neighbours that are one number: a fraction, a power, a mixed number, or one in scientific notation."""
    if one.start - before.end > 16 or before.percent:
        return None
    between = text[before.end : one.start]
    ends = one.end + len(text[one.end : one.end + 1]) * (
        between.rstrip()[-1:] in "{(" and text[one.end : one.end + 1] in "})" and bool(between.strip())
    )

    def made(value: Decimal | None, kind: str) -> Written:
        percent = one.percent or _PERCENT.match(text, ends) is not None
        return Written(value, percent, before.start, ends, kind)

    if _POWER.fullmatch(between) and before.kind == "number":
        return made(_power(before.value, one.value), "power of ten" if before.value == 10 else "power")
    if signed:
        return None
    if _OVER.fullmatch(between) and before.kind == one.kind == "number":
        return made(_ratio(before.value, one.value), "fraction")
    if one.kind == "power of ten" and before.kind == "number" and _TIMES.fullmatch(between):
        return made(_product(before.value, one.value), "number")
    if one.kind == "fraction" and before.kind == "number" and not between.strip() and _is_part(before.value, one.value):
        return made(before.value + one.value.copy_sign(before.value), "number")
    return None


def _is_part(whole: Decimal | None, part: Decimal | None) -> bool:
    return whole is not None and part is not None and is_whole(whole) and 0 < part < 1


def _scaled(text: str, one: Written) -> Written:
    """A number and the word behind it that says how many of it there are: 3 million, $2k."""
    found = _SCALE.match(text, one.end)
    if found is None and text[one.start : one.end].lstrip("-+")[:1] == "$":
        found = _SCALE_OF_MONEY.match(text, one.end)
    if found is None or one.value is None or one.percent:
        return one
    return replace(one, value=_EXACT.scaleb(one.value, _SCALES[found.group(1).lower()]), end=found.end())


def _ratio(above: Decimal | None, below: Decimal | None) -> Decimal | None:
    return None if above is None or below is None or below == 0 else _EXACT.divide(above, below)


def _product(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else _EXACT.multiply(one, other)


def _power(base: Decimal | None, exponent: Decimal | None) -> Decimal | None:
    if (
        base is None
        or exponent is None
        or not is_whole(exponent)
        or abs(exponent) > 1000
        or base.adjusted() > 10
        or (base == 0 and exponent <= 0)
    ):
        return None
    with_more = Context(prec=_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[]) if is_whole(base) and exponent > 0 else _EXACT
    return with_more.power(base, exponent)


def _vulgar(letter: str) -> str:
    """A letter that is a fraction, as 1/2; others as they are."""
    shown = unicodedata.normalize("NFKC", letter)
    return f" {shown.replace(chr(0x2044), '/')} " if chr(0x2044) in shown else letter
