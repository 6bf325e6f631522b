r"""Reading: an answer as mathematics, all of it or nothing.

    answer   = part, part and part | part or part           several values, in any order
             | (part, part) | [part, part) | {part, part}   a pair, an interval, a set; unions of them
             | name = part | (name, name) = (part, part)    the value, and what it is the value of
             | part < name <= part                          an interval
             | part unit                                    the value
    part     = a number as people write it (``guerdon.feedback.written``), or a formula in LaTeX or plain letters

Words that are no unit, name or function are no mathematics: "between 3 and 7" is not read at all, so that its 7 is nobody's answer. Formulas are
parsed by math-verify, one part at a time; towers of powers, long factorials and deep nesting are not handed to it.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from guerdon.feedback.answers import marked
from guerdon.feedback.formulas import KNOWN, formula_of, matching, unreadable
from guerdon.feedback.relations import Bounds, bounds, is_clock, ratio
from guerdon.feedback.spoken import spoken
from guerdon.feedback.written import Written, continental, numbers, plain, spaced

_LONGEST = 2_000  # characters of an answer
_DEEPEST = 40


@dataclass(frozen=True)
class Value:
    """One value: a number as written or a formula of sympy's, the name it was given ("x" of "x = 3"), the base of its digits."""

    number: Written | None = None
    formula: Any = None
    name: str | None = None
    base: str | None = None


@dataclass(frozen=True)
class Several:
    """Several values. ``kind``: "list" (in any order), "set", "union", ":" of a ratio, ":." of a time, or the brackets of a pair or an
    interval, as "[)". ``decimal``: the number that a list would be if its comma were a decimal one, as in 3,14."""

    kind: str
    parts: tuple["Value | Several", ...]
    name: str | None = None
    decimal: Written | None = None


Read = Value | Several

_DROPPED = re.compile(
    r"\\(?:left|right|bigg?|Bigg?|displaystyle|limits|mathstrut|phantom|hfill|,|;|:|!| |quad|qquad|thinspace)(?![a-zA-Z])|\\[()\[\]]|\$+|\*\*(?=\s|$)|^\*\*|`"
)
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|mbox|mathrm|mathbf|operatorname|boldsymbol|bf|rm)\s*\{([^{}]*)\}")
_DEGREE = r"(?:\^\s*\{?\s*\\circ\s*\}?|\u00b0|\\degree\b)"
_DEGREES = re.compile(_DEGREE)
_ANGLE = re.compile(
    r"(\\?(?:sin|cos|tan|cot|sec|csc)\s*(?:\^\s*\{?\s*\d\s*\}?)?\s*[({]?\s*)(-?\d+(?:\.\d+)?|\\frac\{\d+\}\{\d+\})\s*" + _DEGREE
)
_ROW = "\x03"  # LaTeX's end of a row, while other commands are looked for
_SHOWN = re.compile(r"\\(?:text)?color\s*\{[^{}]*\}|\\(?:underline|uline|uuline|bm|mathit|mathsf|mathbf|cancel|emph)\s*(?=\{)")
_ARRAY = re.compile(r"^\\begin\s*\{(array|aligned|gathered)\}\s*(?:\{[clr|]*\})?([^&\x03]*)\\end\s*\{\1\}$")
_TURNED = re.compile(r"([\[\](])(\s*[^\s\[\]][^\[\]]*[,;]\s*[^\s\[\]][^\[\]]*)([\[\])])")
_REALS = re.compile(r"\\mathbb\s*\{?\s*R\s*\}?|\u211d|(?:the set of )?all real(?:s| numbers)", re.IGNORECASE)
_BASED = re.compile(r"([-+]?\d+)\s*_\s*(?:\{\s*(\d{1,2})\s*\}|(\d{1,2}))")
_NAMES = re.compile(r"\(\s*([A-Za-z]\w?(?:\s*,\s*[A-Za-z]\w?)+)\s*\)\s*=\s*(?=\()")
_COMMA = re.compile(r"([-+$\u20ac\u00a3\s]*\d+),(\d{1,2}|\d{4,})(\s*[^\d,]*)")
_COUNTED = re.compile(r"(?<=\d)\s+\(([A-Za-z]{3,}(?: [A-Za-z]{2,})*)\)$")
_DOTS = re.compile(r"(?<![\d.])(-?)(\d{0,9})\.(\d{0,30}?)(\d{1,9})(\4+)\s*(?:\.\.\.+|\u2026|\\[lc]?dots(?:c|b)?)\s*$")
_LEAD = re.compile(
    r"^(?:A(?=:\s)|ans(?=\W)|so|hence|thus|therefore|we (?:get|have|find|obtain)|it is|it's|this is|is|either|both"
    r"|(?:the )?(?:(?:final|correct) )?(?:answer|result|solution|value)s?(?: is| are)?)\b[\s:,]*",
    re.IGNORECASE,
)
_PUNCTUATION = re.compile(r"\\math(?:ord|punct|bin|rel|open|close)\{(.)\}")
_REPEATED = re.compile(r"(?<![\d.])(\d{1,9})?\.(\d{0,9})(?:\\(?:overline|bar|dot)\s*\{(\d{1,9})\}|\((\d{1,9})\)\s*$)")
_OF_UNITS = r"(?:[A-Za-z]{2,}|(?<=[\s/.])[mskgNJVAWLhK]|\\Omega|\\mu)"
_RAISED = re.compile(
    rf"(?<=\d)(\s*{_OF_UNITS}(?:\s*\^\s*\{{?\s*-?\d\s*\}}?|\s*(?:/|\\cdot|\*|\u00b7)\s*{_OF_UNITS}|\s+{_OF_UNITS}){{0,6}})\s*$"
)
_RAISING = re.compile(r"\s*\^\s*\{?\s*-?\d\s*\}?|\\cdot|\*|\\(?=[Om])")
_HALVED = re.compile(r"(\d{1,9}) and ([a-z]+(?:[ -][a-z]+)?)")
_GROUPED = re.compile(r"(?<![\d.,\w])(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2}){1,4},\d{3})(?!\d|,\d)")
_BRACES = re.compile(r"\{[^{}]*\}")
_EQUALS = re.compile(r"(?<![<>!:\\=])=(?!=)")
_AND = re.compile(r"\s*(?:[,;]\s*(?:and|or)\b|[;]|(?<![a-zA-Z\\])(?:and|or)(?![a-zA-Z])|\\(?:lor|land|vee|wedge)(?![a-zA-Z]))\s*")
_UNION = re.compile(r"\s*(?:\\cup(?![a-zA-Z])|\u222a)\s*")
_NAMED = re.compile(
    r"^\s*(\\?[A-Za-z]+(?:_(?:\{\w{1,6}\}|\w))?(?:\([a-zA-Z]\))?|[A-Za-z]'{0,2})\s*(?:=|:=|\\in(?![a-zA-Z])|\u2208|is(?![a-zA-Z]))\s*(?![=<>])"
)
_UNIT = re.compile(r"^(?:\s*(?:[A-Za-z\u00b5\u03bc\u03a9\u20ac\u00a3\u00a5\u4e00-\u9fff]+\.?|/|per)(?:\^?\{?[-\d]\}?)?){1,4}\s*$")
_ATTACHED = re.compile(r"\s*[a-zA-Z\u00b5\u03bc\u03a9\u4e00-\u9fff]{1,4}(?:\^\{?[23]\}?)?\s*$")
_UNIT_WORD = r"(?:[A-Za-z]{3,}|[ckmd]m|kg|m[gls]|mL|ft|in|yd|mi|oz|lb|hr|[kM]?Hz)(?![A-Za-z])"
_UNIT_BEHIND = re.compile(
    rf"(.*[\w}})\]!])\s+({_UNIT_WORD}(?:\s*\^\s*\{{?\s*\d\s*\}}?)?(?:(?:\s*/\s*|\s+){_UNIT_WORD}(?:\s*\^\s*\{{?\s*\d\s*\}}?)?){{0,3}})\.?"
)
_OTHER_WORDS = """or and more less than least most between to from through about around approximately roughly over under above below not no none nor
if when where every each either neither any some all only plus minus times but except for with without other another infinitely many mod i e x y z n k
pi hundred thousand million billion trillion"""
_LAST_WORD = re.compile(r"\d\s*([A-Za-z]{2,})\s*$")
_NO_UNIT = frozenset(_OTHER_WORDS.split())  # what may stand behind a number and changes it
_EITHER_SIGN = re.compile(r"\\(?:pm|mp)(?![a-zA-Z])|[\u00b1\u2213]|\+/?-")
_OPEN, _CLOSED = "([{", ")]}"


def read(text: str) -> Read | None:
    """The whole text as mathematics, or None where a part of it is none."""
    if len(text) > _LONGEST or "\x00" in text:
        return None
    bare = tidy(text)
    if not bare or _nesting(bare) > _DEEPEST:
        return None
    return _several(bare)


def read_gold(text: str) -> Read | None:
    """A gold answer: the answer marked in it if one is, else the whole text."""
    if len(text) > 20 * _LONGEST:
        return None
    answer = marked(text)
    if answer is not None:
        return None if answer.text is None else read(answer.text)
    return read(text)


def tidy(text: str) -> str:
    """The text without delimiters, spacing, emphasis, degrees, the words before an answer and the full stop behind it."""
    text = text.strip().replace("\\\\", _ROW if "\\begin" in text else "\\")  # outside of tables a second one is an escape
    text = text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac").replace("\\cfrac", "\\frac").replace("\\!", "")
    text = _SHOWN.sub(" ", text)
    text = spaced(_PUNCTUATION.sub(r"\1", text).replace("{,}", ","))
    text = _REPEATED.sub(_repeated, text)
    if text.endswith(("...", "\u2026")) or "dots" in text:
        text = _DOTS.sub(_going_on, text)
    text = _TEXT.sub(lambda found: f" {found.group(1)} ", text)
    text = text.replace("\\{", "\x01").replace("\\}", "\x02").replace("\\lbrace", "\x01").replace("\\rbrace", "\x02")
    text = _ANGLE.sub(r"\1(\\frac{\2\\pi}{180})", _DROPPED.sub(" ", text))  # an angle under a function is no mere unit
    text = _DEGREES.sub(" ", text).replace("~", " ")
    text = text.replace("\x01", "\\{").replace("\x02", "\\}")
    text = plain(text) if not text.isascii() else continental(text.replace("\\%", "%"))
    text = _GROUPED.sub(lambda found: found.group().replace(",", ""), text)
    text = _ARRAY.sub(r"\2", re.sub(r"\s+", " ", text).strip()).replace(_ROW, "\\\\").strip()
    text = _TURNED.sub(_open_interval, text)
    while (shorter := _LEAD.sub("", text, count=1)) != text and shorter:
        text = shorter
    text = re.sub(r"^(?:\\approx|\u2248|=)\s*(?=[-+\d.$\\])", "", re.sub(r"^\\langle(.*)\\rangle$", r"(\1)", text))
    while text and text[-1] in ".!" and (text[-1:] == "." or not re.search(r"[\w)}]!$", text)):
        text = text[:-1].rstrip()
    return text.strip(" *,;:") if not text.startswith("*") else text.strip(" *")


def _repeated(found: re.Match[str]) -> str:
    """0.1\\overline{6} as a fraction."""
    whole, fixed, again = found.group(1) or "", found.group(2), found.group(3) or found.group(4)
    below = int("9" * len(again) + "0" * len(fixed))
    return f"{int((whole or '0') + fixed + again) - int((whole or '0') + fixed)}/{below}"


def _going_on(found: re.Match[str]) -> str:
    """0.1666... as a fraction: digits that repeat, and dots."""
    sign, whole, fixed, once, more = found.groups()
    if len(once) * (1 + len(more) // len(once)) < 3:
        return found.group()
    below = int("9" * len(once) + "0" * len(fixed))
    return f"{sign}{int(whole + fixed + once) - int('0' + whole + fixed)}/{below}"


def _open_interval(found: re.Match[str]) -> str:
    """]0, 1[ as (0, 1)."""
    opening, inside, closing = found.groups()
    return f"{'(' if opening == ']' else opening}{inside}{')' if closing == '[' else closing}"


def _several(text: str) -> Read | None:
    """A list, a union, or one part."""
    in_words = spoken(text)
    if in_words is not None:
        return Value(number=in_words)
    halved = _HALVED.fullmatch(text)
    part = spoken(halved.group(2)) if halved else None
    if part is not None and part.value is not None and 0 < part.value < 1:  # 8 and a half
        return Value(number=replace(part, value=int(halved.group(1)) + part.value))
    if (names := _NAMES.match(text)) is not None:
        return _named_each(_part(text[names.end() :]), [name.strip() for name in names.group(1).split(",")])
    name = None
    named = _NAMED.match(text)
    if named and _is_name(named.group(1)) and not any(len(_sides(piece)) > 1 for piece in _split(text[named.end() :])):
        name, text = named.group(1), text[named.end() :].strip()
    union = list(_UNION.split(text)) if _nesting(text) and _UNION.search(text) else [text]
    if len(union) > 1:
        parts = [_several(piece) for piece in union]
        return None if any(part is None for part in parts) else Several("union", tuple(parts), name)
    pieces = _split(text)
    if len(pieces) == 1:
        return _named(_part(pieces[0]), name)
    comma = _COMMA.fullmatch(text)
    decimal = None if comma is None else _number("{}.{}{}".format(*comma.groups()))
    if decimal is not None and comma.group(3).strip(" ."):  # a list of numbers has no unit and no currency
        return Value(decimal, name=name)
    if len(pieces) > 50 or _mixed_units(pieces):
        return None
    whole: list[Read] = []
    for piece in pieces:
        part = _part(piece) if _outer(piece) else _one(piece)
        if part is None:  # most texts are prose, and need not be looked through to the end
            return None
        whole.append(part)
    if all(isinstance(part, Several) and part.name is not None and part.name == whole[0].name for part in whole) and bounds(pieces[0]):
        return Several("list" if re.search(r"\band\b|\\(?:land|wedge)", text) else "union", tuple(whole))  # x < 1 or x > 2
    return Several("list", tuple(whole), name, decimal)


def _mixed_units(pieces: list[str]) -> bool:
    """Whether every piece has a unit, and not the same one: 2 hours and 30 minutes are one quantity."""
    units = [found.group(1).rstrip("s") if (found := _LAST_WORD.search(piece)) else "" for piece in pieces]
    return all(units) and len(set(units)) > 1


def _one(text: str) -> Read | None:
    """A part, which may be named."""
    named = _NAMED.match(text)
    if named and _is_name(named.group(1)):
        return _named(_part(text[named.end() :].strip()), named.group(1))
    return _part(text)


def _sides(text: str) -> list[str]:
    """What stands on the sides of the equals signs that are in no braces: that of a sum's "k=0" is no equation's."""
    if "=" not in text:
        return [text]
    hidden = text
    while (shorter := _BRACES.sub(lambda found: "\x04" * len(found.group()), hidden)) != hidden:
        hidden = shorter
    places = [0, *(place for found in _EQUALS.finditer(hidden) for place in found.span()), len(text)]
    return [text[start:end] for start, end in zip(places[::2], places[1::2], strict=True)]


def _named(part: Read | None, name: str | None) -> Read | None:
    if part is None or name is None:
        return part
    if isinstance(part, Value):
        return Value(part.number, part.formula, name)
    return Several(part.kind, part.parts, name)


def _named_each(part: Read | None, names: list[str]) -> Read | None:
    """The values of a pair by their names: (x, y) = (1, 2)."""
    if not isinstance(part, Several) or len(part.parts) != len(names):
        return None
    return replace(part, parts=tuple(_named(one, name) for one, name in zip(part.parts, names, strict=True)))


def _bounded(found: Bounds) -> Several | None:
    """The interval that an inequality describes, if its ends are numbers."""
    import sympy

    ends = [Value(formula=without) if text is None else _value(text) for text, without in ((found.low, -sympy.oo), (found.high, sympy.oo))]
    if any(end is None or (end.formula is not None and getattr(end.formula, "free_symbols", True)) for end in ends):
        return None
    return Several(found.kind, tuple(ends), found.name)


def _part(text: str) -> Read | None:
    """Something in brackets, a number with or without a unit, an interval, a ratio, plus-minus, or a formula."""
    text = text.strip()
    if _REALS.fullmatch(text):
        return _bounded(Bounds("", "()", None, None))
    limits = bounds(text)
    interval = None if limits is None else _bounded(limits)
    if interval is not None:
        return interval
    parts_of = ratio(text)
    if parts_of is not None:
        return Several(":." if is_clock(text) else ":", tuple(Value(_number(str(one))) for one in parts_of))
    inner = _outer(text)
    if inner is not None:
        kind, inside = inner
        pieces = _split(inside, words=False)
        if len(pieces) > 1 and len(pieces) <= 50:
            parts = [_one(piece) for piece in pieces]
            return None if any(part is None for part in parts) else Several("set" if kind == "{}" else kind, tuple(parts))
        if kind == "{}":
            single = _one(inside)
            return None if single is None else Several("set", (single,))
    sides = _sides(text)
    if len(sides) > 2 or (len(sides) == 2 and not re.search(r"[a-zA-Z]", re.sub(r"\\[a-zA-Z]+", "", sides[0]))):
        return _part(sides[-1])  # 18 - 25 = -7
    signs = _plus_minus(text)
    if signs is not None:
        parts = [_value(one) for one in signs]
        return None if any(part is None for part in parts) else Several("list", tuple(parts))
    return _value(text)


def _value(text: str) -> Value | None:
    based = _BASED.fullmatch(text)
    if based is not None:
        return Value(number=_number(based.group(1)), base=based.group(2) or based.group(3))
    number = _number(text)
    if number is not None:
        return Value(number=number)
    while (
        (behind := _UNIT_BEHIND.fullmatch(text))
        and re.search(r"[\d\\]", behind.group(1))
        and not any(word in KNOWN or word in _NO_UNIT for word in re.findall(r"[a-z]+", behind.group(2).lower()))
    ):
        text = behind.group(1)  # 9 pi square units
    if unreadable(text):
        return None
    formula = formula_of(text)
    return None if formula is None else Value(formula=formula)


def _number(text: str) -> Written | None:
    """The number that a text is, alone or with a currency and a unit."""
    text = (
        re.sub(r"(?<=\d) (?=\d{3}(?:\D|$))", "", text) if re.fullmatch(r"[-+$\u20ac\u00a3]?\d{1,3}(?: \d{3})+(?:\.\d+)?\D*", text) else text
    )
    in_words = spoken(text)
    if in_words is not None:
        return in_words
    text = _RAISED.sub(lambda unit: _RAISING.sub(" ", unit.group()), _COUNTED.sub(r" \1", text))
    found = numbers(text)
    if len(found) != 1 or found[0].value is None:
        return None
    one = found[0]
    seen = plain(text)
    before, after = seen[: one.start].strip(), seen[one.end :].strip()
    if one.percent:
        after = re.sub(r"^(?:\\?%|percent|per cent|pct)\s*", "", after)
    if before and not re.fullmatch(r"(?:US|A|C)?[$\u20ac\u00a3\u00a5\u20b9]|USD|EUR|GBP|Rs\.?", before):
        return None
    if after in ("", ".", ".-"):
        return one
    words = re.findall(r"[a-z]+", after.lower())
    if not _UNIT.match(after) or any(word in _NO_UNIT for word in words):
        return None
    if seen[one.end : one.end + 1].isalpha() and not _ATTACHED.match(seen[one.end :]):
        return None
    if seen[one.end : one.end + 1].isalpha() and len(words) == 1 and len(words[0]) == 1 and words[0] not in "mgsLlVAWJNK":
        return None  # 2x is a formula
    return one


def _plus_minus(text: str) -> tuple[str, str] | None:
    found = _EITHER_SIGN.search(text)
    return None if found is None else tuple(f"{text[: found.start()]}{sign}{text[found.end() :]}" for sign in "+-")


def _split(text: str, words: bool = True) -> list[str]:
    """The pieces between the commas, semicolons, "and" and "or" that stand in no bracket."""
    pieces, begun, depth, place = [], 0, 0, 0
    while place < len(text):
        letter = text[place]
        if letter == "\\" and text[place + 1 : place + 2] in "{}":
            depth += 1 if text[place + 1] == "{" else -1
            place += 2
            continue
        depth += (letter in _OPEN) - (letter in _CLOSED)
        if depth <= 0:
            found = _AND.match(text, place) if words or letter in ",;" else None
            if found is None and letter == ",":
                found = re.compile(r",\s*").match(text, place)
            if found is not None and found.end() > place and (letter in ",;\\ " or text[place : place + 2].isalpha()):
                pieces.append(text[begun:place])
                begun = place = found.end()
                continue
        place += 1
    pieces.append(text[begun:])
    pieces = [piece.strip() for piece in pieces]
    return [piece for piece in pieces if piece] if len(pieces) > 1 else pieces


def _outer(text: str) -> tuple[str, str] | None:
    """The brackets around a whole text and what is inside; brackets of any kind close each other, as in [0, 1)."""
    text = text.strip()
    if text.startswith("\\{") and text.endswith("\\}"):
        return "{}", text[2:-2]
    if len(text) < 2 or text[0] not in _OPEN or text[-1] not in _CLOSED or matching(text, 0) != len(text) - 1:
        return None
    return text[0] + text[-1], text[1:-1]


def _nesting(text: str) -> int:
    deepest = depth = 0
    for letter in text:
        depth += (letter in _OPEN) - (letter in _CLOSED)
        deepest = max(deepest, depth)
    return deepest


def _is_name(word: str) -> bool:
    """Whether a word can be what is solved for: a letter, an indexed one, a function's value, a Greek letter."""
    bare = word.lstrip("\\")
    return (
        len(re.sub(r"[_({'].*", "", bare)) == 1
        or word.startswith("\\")
        or bare.lower() in ("area", "volume", "sum", "total", "perimeter", "length", "probability")
    )
