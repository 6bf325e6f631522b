"""Same: whether two answers that were read mean the same.

numbers        within ``tolerance`` of the gold one, relatively; two whole numbers exactly; a percentage is its number or its hundredth
formulas       equal at points of their variables, drawn once; without variables, as numbers of 40 digits
lists, sets    the same values in any order; named ones (x = 2, y = 3) by their names
pairs          the same brackets, and the same values in order; a list without brackets may stand for a round pair
the rest       (relations, matrices, integrals) as math-verify finds them
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from guerdon.feedback.reading import Read, Several, Value
from guerdon.feedback.written import Written, agree

_POINTS = 7
_NEEDED = 3  # points at which both have a value


def same(said: Read, gold: Read, tolerance: float) -> bool:
    """Whether ``said`` answers ``gold``."""
    if isinstance(said, Value) and isinstance(gold, Value):
        return _same_values(said, gold, tolerance)
    said, gold = _single(said), _single(gold)
    if isinstance(said, Value) and isinstance(gold, Value):
        return _same_values(said, gold, tolerance)
    if isinstance(said, Value) or isinstance(gold, Value):
        return _matrix_row(said, gold, tolerance)
    return _same_several(said, gold, tolerance)


def _single(read: Read) -> Read:
    """A set of one value as that value."""
    if isinstance(read, Several) and read.kind in ("set", "list") and len(read.parts) == 1:
        return read.parts[0]
    return read


def _same_several(said: Several, gold: Several, tolerance: float) -> bool:
    if len(said.parts) != len(gold.parts):
        return False
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


def _matched(said: Sequence[Read], gold: Sequence[Read], tolerance: float) -> bool:
    """Whether each gold part is answered by another of the said ones; in order, where only one side names what it gives."""
    names = [_names(side) for side in (said, gold)]
    if (len(names[0]) > 1) != (len(names[1]) > 1):
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
    if said.name is not None and gold.name is not None and said.name != gold.name and one is not None and other is not None:
        return False
    if one is not None and other is not None:
        return agree(one, other, tolerance)
    left, right = _as_formula(said), _as_formula(gold)
    return left is not None and right is not None and _same_formulas(left, right, tolerance)


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
    import sympy

    if said == gold:
        return True
    unusual = (sympy.Integral, sympy.Derivative, sympy.Limit, sympy.Sum, sympy.Product)
    plain = all(
        isinstance(one, sympy.Expr) and not one.has(*unusual) and not one.atoms(sympy.core.function.AppliedUndef) for one in (said, gold)
    )
    if not plain or said.has(sympy.oo) or gold.has(sympy.oo):
        from guerdon.feedback.rewards.math_equivalence import library

        return bool(library().verify([gold], [said], float_rounding=12, timeout_seconds=None))
    names = sorted({symbol.name for one in (said, gold) for symbol in one.free_symbols})
    if {symbol.name for symbol in said.free_symbols} ^ {symbol.name for symbol in gold.free_symbols} and len(names) > 12:
        return False
    agreed = 0
    for point in range(_POINTS):
        at = {name: sympy.Rational(_coordinate(point, place), 97) for place, name in enumerate(names)}
        one, other = (_at(side, at) for side in (said, gold))
        if one is None or other is None:
            continue
        if abs(one - other) > max(float(tolerance) * 1e-3, 1e-12) * max(abs(one), abs(other)):
            return False
        agreed += 1
    return agreed >= (_NEEDED if names else 1)


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
