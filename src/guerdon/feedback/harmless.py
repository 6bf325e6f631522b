"""Harmless: which texts may become Python code in a helper process that judges completions.

Scorers of other packages hand what a model said to ``eval``, and sympy's parser evaluates what it makes of it. Such a text passes only if it is

    a literal, or lists, tuples, sets and dictionaries of them
    arithmetic of numbers and names, and calls of sympy's own classes and roots ("Integer(9)**Integer(2)", "sin(Symbol('x'))")

and no number in it can grow beyond ``_BITS`` bits. No attribute, comprehension, lambda, subscript, f-string, keyword or call of anything
else, so nothing that it names can act, and 9**9**9**9 is refused before anybody computes it.
"""

import ast
from functools import cache
from typing import Any

_BITS = 20_000.0  # about 6,000 digits
_DEPTH = 200
_ROOTS = frozenset({"sqrt", "cbrt", "root", "real_root"})
_GROWS = frozenset(
    {"factorial", "factorial2", "subfactorial", "gamma", "fibonacci", "lucas", "bell", "catalan", "primorial", "RisingFactorial"}
)


class Refused(Exception):
    """The text is none that may become code."""


def check(source: Any) -> None:
    """Raise ``Refused`` unless the text, or the tree that was made of one, is harmless. A text that is no Python raises SyntaxError as usual."""
    if isinstance(source, (bytes, bytearray)):
        source = source.decode("utf-8", "surrogatepass")
    if isinstance(source, str):
        if source.strip() == "from sympy import *":  # how its parser makes the names that it knows
            return
        tree: ast.AST = ast.parse(source.strip(), mode="eval")
    elif isinstance(source, ast.AST):
        tree = source
    else:
        raise Refused("it is no text")
    _bits(getattr(tree, "body", tree), 0)


def _bits(node: Any, depth: int) -> float:
    """An upper bound of the bits of the number that a node stands for; 0 for what is no number of a known size."""
    if depth > _DEPTH:
        raise Refused("it is nested too deeply")
    below = depth + 1
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.Name):
        if node.id.startswith("_"):
            raise Refused(f"it names {node.id}")
        return 2.0  # a constant like pi, or unknown
    if isinstance(node, ast.UnaryOp):
        return _bits(node.operand, below)
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        for one in node.elts:
            _bits(one, below)
        return 0.0
    if isinstance(node, ast.Dict):
        for one in (*node.keys, *node.values):
            _bits(one, below)
        return 0.0
    if isinstance(node, ast.BinOp):
        if any(isinstance(side, (ast.List, ast.Tuple, ast.Set, ast.Dict)) or _is_text(side) for side in (node.left, node.right)):
            raise Refused("it multiplies what is no number")
        return _bounded(_combined(node.op, _bits(node.left, below), _bits(node.right, below), node.right))
    if isinstance(node, ast.Call):
        return _called(node, below)
    raise Refused(f"it holds a {type(node).__name__}")


def _constant(value: Any) -> float:
    if isinstance(value, bool) or value is None or isinstance(value, (str, bytes)):
        return 0.0
    if isinstance(value, int):
        return _bounded(float(value.bit_length()))
    return 64.0 if isinstance(value, (float, complex)) else 0.0


def _combined(op: ast.operator, left: float, right: float, exponent: ast.AST) -> float:
    if isinstance(op, ast.Pow):
        if right > 64:
            raise Refused("its exponent is too large")
        return max(left, 1.0) * 2.0 ** min(right, 64.0) if _is_numeric(exponent) else left
    if isinstance(op, ast.LShift):
        return left + 2.0 ** min(right, 64.0)
    return left + right + 1


def _called(node: ast.Call, depth: int) -> float:
    function = node.func
    if isinstance(function, ast.Call) and isinstance(function.func, ast.Name) and function.func.id == "Function":
        for one in function.args:
            _bits(one, depth)
        name = "Function"  # an unknown function, applied
    elif isinstance(function, ast.Name) and function.id in _callable_names():
        name = function.id
    else:
        raise Refused(f"it calls {ast.unparse(function)[:40]}")
    if any(keyword.arg != "evaluate" for keyword in node.keywords):
        raise Refused("it calls with keywords")
    sizes = [_bits(one, depth) for one in node.args]
    if name == "Pow" and len(sizes) == 2:
        return _bounded(_combined(ast.Pow(), sizes[0], sizes[1], node.args[1]))
    if name in _GROWS and sizes:
        return _bounded(sizes[0] * 2.0 ** min(sizes[0], 64.0))
    if name in ("Integer", "Float", "Rational") and node.args and _is_text(node.args[0]):
        text = str(node.args[0].value).lower()
        mantissa, _, exponent = text.partition("e")
        sized = exponent.strip().lstrip("+-")
        grown = 0.0 if not sized else float(sized) if sized.isdecimal() and len(sized) < 9 else 1e9
        return _bounded(3.33 * (len(mantissa) + grown))
    return _bounded(sum(sizes) + len(sizes))


def _bounded(bits: float) -> float:
    if bits > _BITS:
        raise Refused("a number in it is too large")
    return bits


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))


def _is_numeric(node: ast.AST) -> bool:
    """Whether a node is a number and not a formula: nothing in it is an unknown."""
    return not any(isinstance(inner, ast.Name) and inner.id in ("Symbol", "Function") for inner in ast.walk(node))


@cache
def _callable_names() -> frozenset[str]:
    """What may be called: sympy's classes of expressions, and its roots, which are functions."""
    import sympy

    own = {name for name, value in vars(sympy).items() if isinstance(value, type) and issubclass(value, sympy.Basic)}
    return frozenset(own | _ROOTS)
