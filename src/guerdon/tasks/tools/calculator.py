"""Calculator: the value of an arithmetic expression, read as a tree and never evaluated as Python.

    calculator("2 * (3 + 4) ** 2") = "98"

Numbers, + - * / // % **, brackets, and abs, round, min, max, sqrt, exp, log, sin, cos, tan, floor, ceil, pi, e. Whole numbers are exact, up to ``digits`` digits; what would be
longer is refused before it is computed. Other values are written with twelve significant digits, as 0.1 + 0.2 is 0.3 to whoever asks.

Source: the calculator of GSM8K's annotations, arXiv 2110.14168, there Python's eval. The limits are ours.
"""

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.tasks.schemas import schema_of
from guerdon.tasks.tools import Mistaken, Stateless

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_SIGNS: dict[type, Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS = {
    **{"abs": abs, "round": round, "min": min, "max": max},
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "floor", "ceil")},
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
_BITS_OF_A_DIGIT = 3.33
_LONGEST = 2000  # characters of an expression


@dataclass(frozen=True)
class Calculator:
    digits: int = 1000

    name: ClassVar[str] = "calculator"

    def build(self) -> tuple[Stateless]:
        def calculator(expression: str) -> str:
            """Computes the value of an arithmetic expression.

            Args:
                expression: Numbers, + - * / // % ** and brackets; abs, round, min, max, sqrt, exp, log, sin, cos, tan, floor, ceil, pi, e.
            """
            return self.value(expression)

        return (Stateless(schema_of(calculator, self.name), calculator),)

    def value(self, expression: str) -> str:
        """The value, written down.

        Raises:
            Mistaken: it has none.
        """
        if len(expression) > _LONGEST:
            raise Mistaken(f"the expression is longer than {_LONGEST} characters")
        try:
            found = self._of(ast.parse(expression.strip(), mode="eval").body)
            return _written(found)
        except SyntaxError as error:
            raise Mistaken(f"{expression.strip()[:100]!r} is no arithmetic expression") from error
        except ZeroDivisionError as error:
            raise Mistaken("it divides by zero") from error
        except (OverflowError, MemoryError, RecursionError) as error:
            raise Mistaken("the value is too large") from error
        except (ValueError, TypeError) as error:
            raise Mistaken(f"it has no value: {error}") from error

    def _of(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return number
            case ast.Name(id=name) if name in _CONSTANTS:
                return _CONSTANTS[name]
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _SIGNS:
                return _SIGNS[type(op)](self._of(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                a, b = self._of(left), self._of(right)
                self._require_small(op, a, b)
                return _OPERATORS[type(op)](a, b)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
                return _FUNCTIONS[name](*map(self._of, args))
            case ast.BinOp(op=ast.BitXor()):
                raise Mistaken("^ is no power here; write **")
            case ast.Tuple():
                raise Mistaken("a comma stands outside of a function; write numbers without commas: 1000 and not 1,000")
        raise Mistaken(f"{ast.unparse(node)[:60]!r} is not arithmetic; there are + - * / // % **, {', '.join([*_FUNCTIONS, *_CONSTANTS])}")

    def _require_small(self, op: ast.operator, a: Any, b: Any) -> None:
        if not (isinstance(op, ast.Pow | ast.Mult) and isinstance(a, int) and isinstance(b, int)):
            return
        bits = a.bit_length() * max(b, 0) if isinstance(op, ast.Pow) and abs(a) > 1 else a.bit_length() + b.bit_length()
        if bits > self.digits * _BITS_OF_A_DIGIT + 64:
            raise Mistaken(f"the value has more than {self.digits} digits")


def _written(value: Any) -> str:
    if isinstance(value, complex):
        raise Mistaken("the value is no real number")
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise Mistaken("the value is too large")
    return format(value, ".12g")
