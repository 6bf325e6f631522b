"""Formulas: one of LaTeX or plain letters as sympy's expression, by math-verify's parser; what would take too long is not handed to it."""

import re
from typing import Any

from guerdon.feedback.mathematics import library

_NAMES = """sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan log ln exp sqrt lim max min gcd lcm det frac cdot times div infty alpha beta
gamma delta epsilon theta lambda sigma omega phi psi rho tau zeta kappa chi Delta Gamma Sigma Omega Theta Phi Psi binom choose begin end pmatrix bmatrix
vmatrix matrix cases array aligned align sum int prod over overline underline vec hat bar mathbb mathcal emptyset varnothing cup cap setminus leq geq neq
equiv circ prime ldots dots cdots mid lfloor rfloor lceil rceil floor ceil abs inf infinity"""
KNOWN = frozenset(_NAMES.split())
_WORD = re.compile(r"[A-Za-z]{3,}")
_ENGLISH = re.compile(r"(?<![\\a-zA-Z])(?:is|it|of|to|if|on|at|by|we|as|an|be|so|no|us|my|he|or|in|do|go|up)(?![a-zA-Z])")
_OPEN, _CLOSED = "([{", ")]}"


def unreadable(text: str) -> bool:
    """Whether a text is no formula, or one that takes too long to be worked out."""
    if any(word not in KNOWN for word in _WORD.findall(re.sub(r"\\[a-zA-Z]+", " ", text)) if not word.lower().startswith(("sqrt", "pi"))):
        return True
    if _ENGLISH.search(text) or text.count(":") > 12 or text.count("|") > 24:
        return True
    if re.search(r"(?<![_\d])\d+\s+\d", text):  # two numbers with nothing between them: the parser would add them
        return True
    if re.search(r"\d{400}|[!]\s*[!)}]*\s*!|\d{5,}\s*[!]|\^\s*\{?\(?\s*\d{5,}", text):
        return True
    if re.search(r"\^\s*(?:\{[^{}]*\^|\d[^a-zA-Z]{0,3}\^|\([^()]*\^)|\*\*[^a-zA-Z]*\*\*", text):
        return not re.search(r"[a-zA-Z]", re.sub(r"\\[a-zA-Z]+", "", text))  # a tower of numbers
    return False


def formula_of(text: str) -> Any:
    """sympy's expression of a formula; None where the parser makes nothing of it, or of a part of it."""
    reader = library()
    import sympy

    # only what can be read to its end: its other readings take the "5" of "5 - \\foo{3}" for all of it
    found = reader.parse(f"${_latex(text)}$", [reader.LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=None)
    if len(found) != 1 or not isinstance(found[0], (sympy.Basic, sympy.MatrixBase)):
        return None
    return found[0]


def _latex(text: str) -> str:
    """A formula in plain letters, as LaTeX."""
    text = (
        text.replace("\\varnothing", "\\emptyset ")
        .replace("**", "^")
        .replace("\u221e", "\\infty ")
        .replace("\u03c0", "\\pi ")
        .replace("\u00d7", "\\times ")
        .replace("\u00b7", "\\cdot ")
    )
    text = (
        text.replace("\u2264", "\\le ").replace("\u2265", "\\ge ").replace("<=", "\\le ").replace(">=", "\\ge ").replace("\u2260", "\\ne ")
    )
    text = re.sub(r"(?<![\\a-zA-Z])(?:infinity|inf|oo)(?![a-zA-Z])", r"\\infty ", text)
    text = re.sub(r"(?<![\\a-zA-Z])pi(?![a-zA-Z])", r"\\pi ", text)
    text = re.sub(r"(?<![\\a-zA-Z])(sin|cos|tan|log|ln|exp)(?=\s*\()", r"\\\1", text)
    text = re.sub(r"\u221a\s*\(", "sqrt(", text)
    text = re.sub(r"\u221a\s*\{?(\w+)\}?", r"\\sqrt{\1}", text)
    while (found := re.search(r"(?<![\\a-zA-Z])sqrt\s*\(", text)) is not None:
        end = matching(text, found.end() - 1)
        if end is None:
            break
        text = f"{text[: found.start()]}\\sqrt{{{text[found.end() : end]}}}{text[end + 1 :]}"
    return _times(re.sub(r"\{\s+|\s+(?=\})", lambda found: found.group().strip(), text.replace("*", "\\cdot ")))


def _times(text: str) -> str:
    """A fraction before a number times that number: the parser would multiply by its digits, one by one."""
    for found in reversed(list(re.finditer(r"\\frac\s*(?=\{)", text))):
        above = matching(text, found.end())
        below = matching(text, above + 1) if above is not None and text[above + 1 : above + 2] == "{" else None
        if below is not None and re.match(r"\s*\d", text[below + 1 :]):
            text = f"{text[: below + 1]}\\cdot {text[below + 1 :]}"
    return text


def matching(text: str, start: int) -> int | None:
    """Where the bracket that opens at ``start`` is closed."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in _OPEN) - (text[place] in _CLOSED)
        if depth == 0:
            return place
    return None
