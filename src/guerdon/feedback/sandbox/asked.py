"""Asked: what a row of the data asks of a program, in the forms in which data say it.

    text                                              tests in Python: asserts, functions, classes of unittest, ``check(candidate)``
    a list of texts                                   the same, one after another
    {"inputs": [...], "outputs": [...]}               what it prints for each standard input; with "fn_name", what that function returns
    [{"input": text, "output": text}, ...]            the same; "type" or "testtype" may say that it is a function's
    [{"args": [...], "kwargs": {...}, "expected": x}] what a function returns, whose name "name" or the column ``entry_point`` says

A text may also be the JSON of one of these.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.sandbox.plain import encoded

_FUNCTIONS = ("functional", "function_call", "function")


@dataclass(frozen=True)
class Printing:
    """Standard inputs, and what is to be printed for each."""

    cases: list[tuple[str, str]]


@dataclass(frozen=True)
class Returning:
    """Calls of a function, and what each is to return: any of the values."""

    name: str
    cases: list[tuple[list[Any], dict[str, Any], list[Any]]]


@dataclass(frozen=True)
class Testing:
    """Tests as a text, and the name of what they check."""

    text: str
    entry: str | None


def asked(tests: Any, entry: Any = None) -> Printing | Returning | Testing | None:
    """What the tests of a row ask for; None where they ask for nothing that can be run."""
    try:
        found = _asked(tests, entry)
        if isinstance(found, Returning):
            encoded([[arguments, named] for arguments, named, _ in found.cases])
        if isinstance(found, Testing):
            ast.parse(found.text)
        return found
    except (ArithmeticError, AttributeError, KeyError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return None  # of a table in which something else stands


def _asked(tests: Any, entry: Any) -> Printing | Returning | Testing | None:
    entry = entry if isinstance(entry, str) and entry else None
    tests = tests.tolist() if hasattr(tests, "tolist") else tests
    if isinstance(tests, str):
        tests = _parsed(tests)
    if isinstance(tests, str):
        return _testing(tests, entry)
    if isinstance(tests, Mapping):
        return _columns(tests, entry)
    if not isinstance(tests, list | tuple) or not tests:
        return None
    if all(isinstance(test, str) for test in tests):
        return _testing("\n".join(tests), entry)
    if not all(isinstance(test, Mapping) for test in tests):
        return None
    if all("expected" in test for test in tests):
        name = tests[0].get("name") or entry
        cases = [(list(test.get("args") or ()), dict(test.get("kwargs") or {}), [test["expected"]]) for test in tests]
        return Returning(name, cases) if name else None
    if not all("input" in test and "output" in test for test in tests):
        return None
    if any(test.get("type", test.get("testtype")) in _FUNCTIONS for test in tests):
        name = tests[0].get("fn_name") or entry
        cases = [(_lines(test["input"]), {}, [_parsed(test["output"])]) for test in tests]
        return Returning(name, cases) if name else None
    return Printing([(_joined(test["input"]), _joined(test["output"])) for test in tests])


def _columns(tests: Mapping[str, Any], entry: str | None) -> Printing | Returning | None:
    inputs, outputs = tests.get("inputs"), tests.get("outputs")
    if not inputs or not outputs or len(inputs) != len(outputs):
        return None
    name = tests.get("fn_name") or (entry if not isinstance(inputs[0], str) else None)
    if name:  # such data put an expected value into a list of its own, or do not
        outputs = [_parsed(output) if isinstance(given, str) else output for given, output in zip(inputs, outputs, strict=True)]
        wanted = [[output, *output] if isinstance(output, list) and len(output) == 1 else [output] for output in outputs]
        return Returning(name, [(_lines(given), {}, any_of) for given, any_of in zip(inputs, wanted, strict=True)])
    return Printing([(_joined(given), _joined(output)) for given, output in zip(inputs, outputs, strict=True)])


def _testing(text: str, entry: str | None) -> Testing | None:
    return Testing(text, entry) if text.strip() else None


def _parsed(text: Any) -> Any:
    """What JSON says, or the text itself."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _lines(given: Any) -> list[Any]:
    """Arguments: a list of them, or the lines of a text, each JSON."""
    return [_parsed(line) for line in given.split("\n") if line.strip()] if isinstance(given, str) else list(given)


def _joined(text: Any) -> str:
    return "\n".join(map(str, text)) if isinstance(text, list | tuple) else str(text)
