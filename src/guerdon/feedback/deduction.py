"""Deduction: formulas of propositional logic, and whether each line of a proof follows from those that it cites.

    1. P -> Q      premise
    2. P           assume
    3. Q           mp 1, 2
    4. P -> Q      cp 2, 3

A line depends on assumptions, which are kept with it: a premise on nothing but the premises, an assumption on itself, and what follows on what the lines
that it cites depend on, but for what its rule discharges.

    premise                 one of the premises that were given
    assume                  anything
    mp i j, mt i j          B from A -> B and A; ~A from A -> B and ~B
    and-intro i j           A & B                       and-elim i      A or B from A & B
    or-intro i              A | B from A or from B      or-elim i j k l m    C from A | B (i), C (k) under A (j), C (m) under B (l)
    iff-intro i j           A <-> B from both ways      iff-elim i      either way
    dn i                    A from ~~A, and back
    cp i j                  A -> B from B (j) under A (i)
    raa i j                 ~A from a contradiction (j: B & ~B, or false) under A (i)
    contradiction i j       false from A and ~A         explosion i     anything from false
    repeat i                the same
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(<->|->|=>|<=>|[()~!¬&∧|∨→↔⊥]|[A-Za-z_]\w*)")
_SAME = {
    "!": "~", "¬": "~", "not": "~", "∧": "&", "and": "&", "∨": "|", "or": "|", "→": "->", "=>": "->", "implies": "->", "↔": "<->", "<=>": "<->",
    "iff": "<->", "⊥": "false", "bottom": "false",
}  # fmt: skip
_BINDING = {"<->": 1, "->": 2, "|": 3, "&": 4}
_NUMBER = re.compile(r"(\d{1,6})[.):]?")
_DEEP, _MOST = 200, 1000  # operators of a formula, lines of a proof

Formula = tuple  # ("var", name), ("false",), ("~", a), ("&", a, b), ...


@dataclass(frozen=True)
class Line:
    """A formula, and the numbers of the assumptions that it depends on."""

    formula: Formula
    under: frozenset[int]


class Unproved(Exception):
    """A line does not follow, or cannot be read."""


def parsed(text: str) -> Formula:
    """A formula. ``->`` and ``<->`` group to the right, and bind less than ``|``, which binds less than ``&``.

    Raises:
        Unproved: it is none.
    """
    tokens, place = [], 0
    text = text.strip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or len(tokens) > 2 * _DEEP:
            raise Unproved(f"{text[:60]!r} is no formula")
        tokens.append(_SAME.get(found.group(1).lower(), found.group(1)))
        place = found.end()
    try:
        formula, rest = _binary(tokens, 0, 1)
    except RecursionError as error:
        raise Unproved("a formula is nested too deeply") from error
    if rest != len(tokens):
        raise Unproved(f"{text[:60]!r} is no formula")
    return formula


def _binary(tokens: list[str], place: int, least: int) -> tuple[Formula, int]:
    left, place = _unary(tokens, place)
    while place < len(tokens) and _BINDING.get(tokens[place], 0) >= least:
        sign = tokens[place]
        right, place = _binary(tokens, place + 1, _BINDING[sign] + (sign in "&|"))
        left = (sign, left, right)
    return left, place


def _unary(tokens: list[str], place: int) -> tuple[Formula, int]:
    if place >= len(tokens):
        raise Unproved("a formula ends too soon")
    token = tokens[place]
    if token == "~":
        inner, place = _unary(tokens, place + 1)
        return ("~", inner), place
    if token == "(":
        inner, place = _binary(tokens, place + 1, 1)
        if place >= len(tokens) or tokens[place] != ")":
            raise Unproved("a bracket is not closed")
        return inner, place + 1
    if token == ")" or token in _BINDING:
        raise Unproved(f"a formula cannot begin with {token}")
    return (("false",) if token.lower() == "false" else ("var", token)), place + 1


def proved(text: str, premises: list[str]) -> list[Line]:
    """The lines of a proof, each of which follows.

    Raises:
        Unproved: one does not; the sentence names it.
    """
    given = [parsed(premise) for premise in premises]
    lines: dict[int, Line] = {}
    for row in text.splitlines():
        if not row.strip():
            continue
        read = _read(row) if len(row) < 2000 and len(lines) < _MOST else None
        if read is None:
            raise Unproved(f"{row.strip()[:60]!r} is no line of a proof")
        number, said, rule, cited = read
        if number in lines or rule not in RULES or any(one not in lines for one in cited):
            raise Unproved(f"line {number} is there twice, has a rule that is not known, or cites a line that is not above it")
        formula = parsed(said)
        try:
            under = RULES[rule](formula, number, cited, [lines[one] for one in cited], given)
        except ValueError:  # it cites too few or too many
            under = None
        if under is None:
            raise Unproved(f"line {number} does not follow by {rule}")
        lines[number] = Line(formula, under)
    return list(lines.values())


def _read(row: str) -> tuple[int, str, str, list[int]] | None:
    """A line's number, formula, rule and what it cites."""
    words = re.sub(r"[\[\];,]", " ", row).split()
    number = _NUMBER.fullmatch(words[0])
    rules = [place for place, word in enumerate(words) if word.lower().rstrip(":.") in RULES]
    if number is None or not rules or rules[-1] < 2:
        return None
    rest = [word.rstrip(".") for word in words[rules[-1] + 1 :] if word.lower() not in ("and", "lines", "line")]
    formula = [word for word in words[1 : rules[-1]] if word.lower() not in ("by", "--", "//")]
    if not all(word.isdecimal() and len(word) <= 6 for word in rest):
        return None
    return int(number.group(1)), " ".join(formula), words[rules[-1]].lower().rstrip(":."), [int(word) for word in rest]


Rule = Callable[[Formula, int, list[int], list[Line], list[Formula]], "frozenset[int] | None"]


def _all(lines: list[Line]) -> frozenset[int]:
    return frozenset().union(*(line.under for line in lines))


def _simple(check: Callable[..., bool]) -> Rule:
    """A rule that discharges nothing: ``check(formula, *cited formulas)``."""

    def rule(formula: Formula, number: int, cited: list[int], lines: list[Line], given: list[Formula]) -> frozenset[int] | None:
        try:
            return _all(lines) if check(formula, *(line.formula for line in lines)) else None
        except TypeError:  # cites too few or too many
            return None

    return rule


def _either(check: Callable[..., bool]) -> Callable[..., bool]:
    return lambda formula, a, b: check(formula, a, b) or check(formula, b, a)


def _premise(formula, number, cited, lines, given):
    return frozenset() if formula in given and not cited else None


def _assume(formula, number, cited, lines, given):
    return frozenset({number}) if not cited else None


def _conditional(formula, number, cited, lines, given):
    start, end = lines
    own = start.under == {cited[0]}
    return end.under - start.under if own and formula == ("->", start.formula, end.formula) else None


def _absurd(formula, number, cited, lines, given):
    start, end = lines
    own = start.under == {cited[0]}
    return end.under - start.under if own and _is_absurd(end.formula) and formula == ("~", start.formula) else None


def _cases(formula, number, cited, lines, given):
    either, first, one, second, two = lines
    own = first.under == {cited[1]} and second.under == {cited[3]}
    same = either.formula == ("|", first.formula, second.formula) and one.formula == two.formula == formula
    return either.under | (one.under - first.under) | (two.under - second.under) if own and same else None


def _is_absurd(formula: Formula) -> bool:
    if formula == ("false",):
        return True
    return formula[0] == "&" and (formula[2] == ("~", formula[1]) or formula[1] == ("~", formula[2]))


RULES: dict[str, Rule] = {
    "premise": _premise,
    "assume": _assume,
    "assumption": _assume,
    "mp": _simple(_either(lambda formula, a, b: a == ("->", b, formula))),
    "mt": _simple(_either(lambda formula, a, b: a[0] == "->" and b == ("~", a[2]) and formula == ("~", a[1]))),
    "and-intro": _simple(lambda formula, a, b: formula == ("&", a, b)),
    "and-elim": _simple(lambda formula, a: a[0] == "&" and formula in a[1:]),
    "or-intro": _simple(lambda formula, a: formula[0] == "|" and a in formula[1:]),
    "or-elim": _cases,
    "iff-intro": _simple(_either(lambda formula, a, b: formula[0] == "<->" and a == ("->", *formula[1:]) and b == ("->", *formula[:0:-1]))),
    "iff-elim": _simple(lambda formula, a: a[0] == "<->" and formula in (("->", *a[1:]), ("->", *a[:0:-1]))),
    "dn": _simple(lambda formula, a: a == ("~", ("~", formula)) or formula == ("~", ("~", a))),
    "cp": _conditional,
    "raa": _absurd,
    "contradiction": _simple(_either(lambda formula, a, b: formula == ("false",) and b == ("~", a))),
    "explosion": _simple(lambda formula, a: _is_absurd(a)),
    "repeat": _simple(lambda formula, a: formula == a),
}
