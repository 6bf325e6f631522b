"""Asked: what a row of the data asks of a program, in the forms in which data say it.

    text                                              tests in Python: asserts, functions, classes of unittest, ``check(candidate)``
    a list of texts                                   the same, one after another
    {"inputs": [...], "outputs": [...]}               what it prints for each standard input; with "fn_name", what that function returns (APPS, TACO)
    {"input": [...], "output": [...]}                 the same (CodeContests); each may be one text
    [{"input": text, "output": text}, ...]            the same; "type" or "testtype" may say that it is a function's (LiveCodeBench, Codeforces)
    [{"args": [...], "kwargs": {...}, "expected": x}] what a function returns, whose name "name" or the column ``entry_point`` says
    {"test_cases": ...}, {"ground_truth": ...} ...    one of these

A text may also be the JSON of one of these, what Python writes of one (as data frames put into a table), or such JSON packed as LiveCodeBench's private
tests are. A text that asks nothing of a program, which every program would pass, is none of these.
"""

import ast
import base64
import io
import json
import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.sandbox.plain import encoded
from guerdon.feedback.sandbox.texts import asks, tree_of

_FUNCTIONS = ("functional", "function_call", "function")
_WITHIN = ("test_cases", "tests", "ground_truth", "assert_case", "functional")  # what data put the tests under
_NAMES = ("fn_name", "func_name", "entry_point")
_PACKED = "eJ"  # how what zlib packs begins in base 64
_LARGEST = 2**28  # bytes of what is unpacked


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
        return found if not isinstance(found, Testing) or asks(tree_of(found.text), found.entry) else None
    except (ArithmeticError, AttributeError, KeyError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return None  # of a table in which something else stands


def _asked(tests: Any, entry: Any) -> Printing | Returning | Testing | None:
    entry = named(entry)
    tests = tests.tolist() if hasattr(tests, "tolist") else tests
    if isinstance(tests, str):
        tests = _stored(tests)
    if isinstance(tests, str):
        return _testing(tests, entry)
    if isinstance(tests, Mapping):
        return _columns(tests, entry)
    if not isinstance(tests, list | tuple) or not tests:
        return None
    if all(isinstance(test, str) for test in tests):
        apart = [_stored(test) for test in tests]
        if any(isinstance(test, str) for test in apart):
            return _testing("\n".join(tests), entry)
        tests = apart
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
        cases = [(_lines(test["input"]), {}, _any_of(test["output"])) for test in tests]
        return Returning(name, cases) if name else None
    return Printing([(_joined(test["input"]), _joined(test["output"])) for test in tests])


def _columns(tests: Mapping[str, Any], entry: str | None) -> Printing | Returning | Testing | None:
    for name in _WITHIN:
        if tests.get(name):
            return _asked(tests[name], entry)
    inputs, outputs = (tests.get(f"{name}s", tests.get(name)) for name in ("input", "output"))
    if isinstance(inputs, str) and isinstance(outputs, str):
        inputs, outputs = [inputs], [outputs]
    if not inputs or not outputs or len(inputs) != len(outputs):
        return None
    name = named(tests) or (entry if not isinstance(inputs[0], str) else None)
    if name:
        cases = [(_lines(given), {}, _any_of(output, parsed=isinstance(given, str))) for given, output in zip(inputs, outputs, strict=True)]
        return Returning(name, cases)
    return Printing([(_joined(given), _joined(output)) for given, output in zip(inputs, outputs, strict=True)])


def _any_of(output: Any, parsed: bool = True) -> list[Any]:
    """What a function may return: such data put an expected value into a list of its own, or do not."""
    output = _parsed(output) if parsed else output
    return [output, *output] if isinstance(output, list) and len(output) == 1 else [output]


def named(entry: Any) -> str | None:
    """The name of a function: a text, or what a table or its JSON says it is."""
    if isinstance(entry, str) and not entry.isidentifier():
        entry = _stored(entry)
    if isinstance(entry, Mapping):
        entry = next((entry[name] for name in _NAMES if entry.get(name)), None)
    return entry if isinstance(entry, str) and entry else None


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


def _stored(text: str) -> Any:
    """What is stored as a text: as JSON, as Python writes it, or packed; else the text itself."""
    text = text.strip()
    found = _parsed(_unpacked(text) if text.startswith(_PACKED) else text)
    if isinstance(found, str) and found[:1] in ("{", "["):
        try:
            return ast.literal_eval(found)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return found
    return found


def _unpacked(text: str) -> str:
    """The text that was pickled, packed and written in base 64; nothing but a text is taken out of a pickle."""
    try:
        content = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), _LARGEST)
        found = _TextOnly(io.BytesIO(content)).load() if content[:1] == b"\x80" else content.decode()
        return found if isinstance(found, str) else text
    except (ArithmeticError, EOFError, IndexError, KeyError, MemoryError, pickle.UnpicklingError, TypeError, ValueError, zlib.error):
        return text


class _TextOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError("a text has no class")


def _lines(given: Any) -> list[Any]:
    """Arguments: a list of them, or the lines of a text, each JSON."""
    return [_parsed(line) for line in given.split("\n") if line.strip()] if isinstance(given, str) else list(given)


def _joined(text: Any) -> str:
    return "\n".join(map(str, text)) if isinstance(text, list | tuple) else str(text)
