"""Same: whether two answers that were read mean the same.

numbers        within ``tolerance`` of the gold one, relatively; two whole numbers exactly; a percentage is its number or its hundredth
formulas       equal at points of their variables, drawn once; without variables, as numbers of 40 digits
lists, sets    the same values in any order; named ones (x = 2, y = 3) by their names; a set counts each once
equations      solved for different letters: their sides differ by the same, up to a factor
ratios, times  3:4 is 6:8 and 3/4; 2:30 is not 1:15
pairs          the same brackets, and the same values in order; a list without brackets may stand for a round pair
the rest       (relations, matrices, integrals) as math-verify finds them
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from guerdon.feedback.mathematics import library
from guerdon.feedback.reading import Read, Several, Value
from guerdon.feedback.written import Written, agree, is_whole

_POINTS = 7
_NEEDED = 3  # points at which both have a value


def same(said: Read, gold: Read, tolerance: float) -> bool:
    """Whether ``said`` answers ``gold``."""
    if isinstance(said, Value) and isinstance(gold, Value):
        return _same_values(said, gold, tolerance)
    said, gold = _single(said), _single(gold)
    if isinstance(said, Value) and isinstance(gold, Value):
        return _same_values(said, gold, tolerance)
    if isinstance(said, Several) and isinstance(gold, Value) and said.decimal is not None and gold.number is not None:
        return not is_whole(gold.number.value or Decimal(0)) and agree(said.decimal, gold.number, tolerance)
    if isinstance(said, Value) or isinstance(gold, Value):
        return _same_ratio(said, gold, tolerance) or _matrix_row(said, gold, tolerance)
    return _same_several(said, gold, tolerance)


def _single(read: Read) -> Read:
    """A set of one value as that value."""
    if isinstance(read, Several) and read.kind in ("set", "list") and len(read.parts) == 1:
        return read.parts[0]
    return read


def _same_ratio(said: Read, gold: Read, tolerance: float) -> bool:
    """A ratio of two numbers as their quotient."""
    value, pair = (said, gold) if isinstance(said, Value) else (gold, said)
    if not isinstance(pair, Several) or pair.kind != ":" or len(pair.parts) != 2:
        return False
    above, below = (part.number.value for part in pair.parts)
    found = _sized(value)
    return bool(below) and found is not None and agree(found, Written(above / below, False, 0, 0), tolerance)


def _same_colons(said: Several, gold: Several) -> bool:
    """Ratios are the same in proportion, times exactly."""
    one, other = ([part.number.value for part in side.parts] for side in (said, gold))
    if gold.kind == ":.":
        return one == other
    return any(one) and any(other) and all(a * other[0] == b * one[0] for a, b in zip(one, other, strict=True))


def _same_several(said: Several, gold: Several, tolerance: float) -> bool:
    said, gold = _distinct(said), _distinct(gold)
    if len(said.parts) != len(gold.parts):
        return False
    if said.kind[0] == ":" or gold.kind[0] == ":":
        return said.kind == gold.kind and _same_colons(said, gold)
    if said.name != gold.name and all(side.name and len(side.name) == 1 and side.name.islower() for side in (said, gold)):
        return False  # other unknowns
    if {said.kind, gold.kind} <= {"list", "()"} and all(_named(side.parts) for side in (said, gold)):
        return _matched(said.parts, gold.parts, tolerance)  # (x, y) = (1, 2)
    loose = ("list", "set")
    if said.kind in loose and gold.kind in loose:
        return _matched(said.parts, gold.parts, tolerance)
    if said.kind == gold.kind == "union":
        return _matched(said.parts, gold.parts, tolerance)
    if "union" in (said.kind, gold.kind):
        return False
    brackets = {said.kind, gold.kind} - {"list"}
    if len(brackets) > 1 and len(gold.parts) < 3:
        return False
    if brackets != {"()"} and len(brackets) == 1 and "list" in (said.kind, gold.kind) and len(gold.parts) < 3:
        return False  # an interval is no list of its ends
    if "set" in brackets or (
        any(("]" in kind and "(" in kind) or (")" in kind and "[" in kind) for kind in brackets) and len(brackets) > 1
    ):
        return False
    return all(same(one, other, tolerance) for one, other in zip(said.parts, gold.parts, strict=True))


def _distinct(several: Several) -> Several:
    """A set without what it holds twice."""
    return replace(several, parts=tuple(dict.fromkeys(several.parts))) if several.kind == "set" else several


def _named(parts: Sequence[Read]) -> bool:
    return all(part.name is not None for part in parts) and len(_names(parts)) == len(parts)


def _matched(said: Sequence[Read], gold: Sequence[Read], tolerance: float) -> bool:
    """Whether each gold part is answered by another of the said ones; in order, where only one side names what it gives."""
    names = [_names(side) for side in (said, gold)]
    unknowns = {name.partition("_")[0] for name in names[0] | names[1]}
    if len(unknowns) == 1 and unknowns in names:  # x_1 and x_2 are values of x
        said, gold = ([replace(part, name=None) for part in side] for side in (said, gold))
    elif (len(names[0]) > 1) != (len(names[1]) > 1):
        return all(same(one, other, tolerance) for one, other in zip(said, gold, strict=True))
    left = list(said)
    for wanted in gold:
        found = next((place for place, one in enumerate(left) if same(one, wanted, tolerance)), None)
        if found is None:
            return False
        del left[found]
    return True


def _names(parts: Sequence[Read]) -> set[str]:
    return {part.name for part in parts if part.name is not None}


def _matrix_row(said: Read, gold: Read, tolerance: float) -> bool:
    """A vector as a matrix of one row or column, and as a list in brackets."""
    matrix, several = (said, gold) if isinstance(said, Value) else (gold, said)
    entries = getattr(matrix.formula, "flat", None)
    if entries is None or not isinstance(several, Several) or several.kind not in ("()", "[]"):
        return False
    own = [Value(formula=entry) for entry in entries()]
    if len(own) != len(several.parts) or 1 not in matrix.formula.shape:
        return False
    return all(same(one, other, tolerance) for one, other in zip(own, several.parts, strict=True))


def _same_values(said: Value, gold: Value, tolerance: float) -> bool:
    one, other = _sized(said), _sized(gold)
    if said.base is not None and gold.base is not None and said.base != gold.base:
        return False
    if said.name is not None and gold.name is not None and said.name != gold.name and one is not None and other is not None:
        return False
    if one is not None and other is not None:
        return agree(one, other, tolerance)
    left, right = _as_formula(said), _as_formula(gold)
    if left is None or right is None:
        return False
    return _same_formulas(left, right, tolerance) or _same_equations(_equation(said), _equation(gold), tolerance)


def _equation(value: Value) -> Any:
    """The difference of the sides of an equation, or of a name and what it is; None of what is none."""
    import sympy

    formula = _as_formula(value)
    if isinstance(formula, sympy.Eq):
        return formula.lhs - formula.rhs
    if value.name is None or not value.name.isalpha() or not isinstance(formula, sympy.Expr):
        return None
    return sympy.Symbol(value.name) - formula


def _same_equations(said: Any, gold: Any, tolerance: float) -> bool:
    """Whether two differences are one another's multiple by a number."""
    import sympy

    if said is None or gold is None or said.is_number or gold.is_number:
        return False
    if {symbol.name for symbol in said.free_symbols} != {symbol.name for symbol in gold.free_symbols}:
        return False
    names = {symbol.name: sympy.Rational(_coordinate(9, place), 97) for place, symbol in enumerate(said.free_symbols)}
    one, other = _at(said, names), _at(gold, names)
    if not one or not other:
        return False
    return _same_formulas(said, gold * sympy.Float(one.real / other.real, 30), tolerance) if one.imag == other.imag == 0 else False


def _as_formula(value: Value) -> Any:
    import sympy

    if value.formula is not None:
        return value.formula
    number = value.number
    return None if number is None or number.value is None else sympy.Rational(str(number.value)) / (100 if number.percent else 1)


def _sized(value: Value) -> Written | None:
    """The number that a value is, if it is one."""
    if value.number is not None:
        return value.number
    found = _worked_out(value.formula)
    return None if found is None else Written(found, False, 0, 0)


def _worked_out(formula: Any) -> Decimal | None:
    """A real number of 40 digits."""
    import sympy

    if not isinstance(formula, sympy.Expr) or formula.free_symbols or formula.has(sympy.Derivative):
        return None
    if not formula.has(sympy.Integral):  # those are worked out as numbers
        formula = formula.doit()
    if formula.is_Integer and abs(formula) < 10**4000:
        return Decimal(int(formula))
    if formula.has(sympy.Integral):
        value = sympy.N(formula, 25)
        return Decimal(str(value)) if value.is_Float else None
    if formula.has(sympy.zoo, sympy.oo, sympy.nan):
        return None
    with_value = sympy.N(formula, 40)
    if not with_value.is_Float and not with_value.is_Rational:
        real, imaginary = with_value.as_real_imag()
        if not getattr(real, "is_Float", False) or (not imaginary.is_zero and abs(imaginary) > sympy.Float("1e-30")):
            return None
        with_value = real
    if with_value.is_Rational and not with_value.is_Integer:
        with_value = sympy.N(with_value, 40)
    value = Decimal(str(with_value))
    whole = value.to_integral_value() if value.is_finite() and abs(value) < Decimal("1e38") else value
    near = abs(value - whole) < Decimal("1e-25") * max(abs(value), Decimal(1))
    return whole if near and (whole != 0 or formula.is_zero is not False) else value


def _same_formulas(said: Any, gold: Any, tolerance: float) -> bool:
    """Whether two formulas are equal, the letter i being an unknown as others, or else the imaginary unit."""
    import sympy

    if _equal(said, gold, tolerance):
        return True
    imaginary = [{letter: sympy.I for letter in side.free_symbols if letter.name == "i"} for side in (said, gold)]
    unit = any(imaginary) or any(side.has(sympy.I) for side in (said, gold))
    if not unit or not all(isinstance(side, sympy.Expr) for side in (said, gold)):
        return False
    said, gold = (side.subs(letters) for side, letters in zip((said, gold), imaginary, strict=True))
    return not (said.has(sympy.zoo, sympy.nan) or gold.has(sympy.zoo, sympy.nan)) and _equal(said, gold, tolerance)


def _equal(said: Any, gold: Any, tolerance: float) -> bool:
    import sympy

    if said == gold:
        return True
    unusual = (sympy.Integral, sympy.Derivative, sympy.Limit, sympy.Sum, sympy.Product)
    plain = all(
        isinstance(one, sympy.Expr) and not one.has(*unusual) and not one.atoms(sympy.core.function.AppliedUndef) for one in (said, gold)
    )
    if not plain or said.has(sympy.oo) or gold.has(sympy.oo):
        return bool(library().verify([gold], [said], float_rounding=12, timeout_seconds=None))
    names = sorted({symbol.name for one in (said, gold) for symbol in one.free_symbols})
    if {symbol.name for symbol in said.free_symbols} ^ {symbol.name for symbol in gold.free_symbols} and len(names) > 12:
        return False
    real, other_points = 0, []
    for point in range(_POINTS):
        at = {name: sympy.Rational(_coordinate(point, place), 97) for place, name in enumerate(names)}
        one, other = (_at(side, at) for side in (said, gold))
        if one is None or other is None:
            continue
        differs = abs(one - other) > max(float(tolerance) * 1e-3, 1e-12) * max(abs(one), abs(other))
        if one.imag and other.imag:
            other_points.append(differs)
            continue
        if differs:
            return False
        real += 1
    needed = _NEEDED if names else 1
    if real >= needed:  # where neither is real, a root may be taken of either sign
        return True
    return real + len(other_points) >= needed and not any(other_points)


def _coordinate(point: int, place: int) -> int:
    """Numerators of points that are nothing special, of either sign."""
    value = 31 + 53 * point + 17 * place * (point + 2)
    return -value if (point + place) % 3 == 2 else value


def _at(formula: Any, point: dict[str, Any]) -> complex | None:
    import sympy

    try:
        value = complex(sympy.N(formula.subs({symbol: point[symbol.name] for symbol in formula.free_symbols}), 30))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError, AttributeError):
        return None
    return value if value == value and abs(value) != float("inf") else None
