"""Examine: run tests on a program that is somewhere else.

What the tests take from the program (by its name, or by ``from solution import ...``) is answered for by the other process; tests, expected values and the
comparison stay in this one, where no line of the program runs. What counts as a test, one each:

    an ``assert`` at the top of the text
    a function whose name begins with "test"; its methods, for a class whose name begins with "Test"; parametrised, each set of values
    a method of a ``unittest.TestCase``
    ``check``, called with what is called ``entry``
    the whole text, where it has none of these

A statement at the top that is no test and fails takes with it all tests that are left.
"""

import ast
import builtins
import contextlib
import importlib
import inspect
import os
import sys
import types
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import some_pytest
from peer import Gone, Peer, Remote
from plain import packed
from texts import PLACES, bound, defines, modules, tests_of, tree_of

IN, OUT = 4, 3


def judge(job: dict[str, Any]) -> int:
    """Write the verdict where the standard output was, and drop what the tests print."""
    verdict = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.write(verdict, packed(examined(job)))
    return 0


def examined(job: dict[str, Any]) -> dict[str, Any]:
    """How many tests there are, how many hold, and why the first does not."""
    tree = tree_of(job["tests"])
    namespace: dict[str, Any] = {"__name__": "tests", "__builtins__": __builtins__}
    peer = Peer(IN, OUT, guarded=True)
    count = Count()
    try:
        program = _Program(peer, bound(tree) | modules(tree))
        namespace |= {name: program.names[name] for name in program.__all__}
        namespace |= _modules(tree)
        for place in PLACES:
            sys.modules[place] = program
        sys.modules["pytest"] = some_pytest
        tests = sys.modules["tests"] = types.ModuleType("tests")
        vars(tests).update(namespace)
        _run(tree, vars(tests), job.get("entry"), count)
    except Gone as error:
        count.fail(str(error))
    except SyntaxError as error:
        count.fail(f"SyntaxError: {error}")
    return {"passed": count.passed, "of": max(count.expected, count.passed + count.failed), "why": count.why[:500]}


class Count:
    """Of tests."""

    def __init__(self) -> None:
        self.passed = self.failed = self.expected = 0
        self.why = ""

    def test(self, run: Callable[[], Any]) -> None:
        """One of them.

        Raises:
            Gone: the program has ended, and with it the rest.
        """
        try:
            run()
        except Gone as error:
            self.fail(str(error))
            raise
        except some_pytest.Skipped:
            return
        except BaseException as error:
            self.fail(f"{type(error).__name__}: {_told(error)}")
        else:
            self.passed += 1

    def fail(self, why: str) -> None:
        self.failed += 1
        self.why = self.why or why


class _Program(types.ModuleType):
    """The program as a module of the tests."""

    def __init__(self, peer: Peer, theirs: set[str]) -> None:
        super().__init__("solution")
        names = peer.ask("names", 0)
        if type(names) is not dict:
            raise Gone("the program does not say what it defines")
        self.names: dict[str, Any] = {}
        for name, base in names.items():
            if type(name) is not str or not name.isidentifier() or name.startswith("__"):
                continue
            nearest = getattr(builtins, str(base), None) if base else None
            if isinstance(nearest, type) and issubclass(nearest, Exception):
                self.names[name] = peer.errors[name] = type(name, (nearest,), {})
            else:
                self.names[name] = peer.ask("get", 0, name)
        vars(self).update(self.names)
        # Unless they ask for it by its name: what the tests call ``len`` or define, import or use as a module themselves is not the program's.
        kept = {*dir(builtins), *theirs}
        self.__all__ = [name for name in self.names if name not in kept]


def _run(tree: ast.Module, namespace: dict[str, Any], entry: str | None, count: Count) -> None:
    count.expected = sum(1 for _ in tests_of(tree)) or 1
    whole = not any(True for _ in tests_of(tree)) and not (entry and defines(tree, "check"))
    if whole:
        count.test(lambda: exec(compile(tree, "<tests>", "exec"), namespace))
        return
    before = set()
    for statement in tree.body:
        code = compile(ast.Module([statement], []), "<tests>", "exec")
        if isinstance(statement, ast.Assert):
            count.test(lambda code=code: exec(code, namespace))
            continue
        try:
            exec(code, namespace)
        except Gone:
            raise
        except BaseException as error:
            return count.fail(f"{type(error).__name__}: {_told(error)}")
        for name, value in list(namespace.items()):
            if name not in before and isinstance(value, types.FunctionType | type) and getattr(value, "__module__", "") == "tests":
                before.add(name)
    for name in [name for name in namespace if name in before]:
        for run in _tests_in(name, namespace[name], namespace):
            count.test(run)
    if entry and "check" in before:
        count.test(lambda: namespace["check"](_entry(namespace, entry)))


def _modules(tree: ast.Module) -> dict[str, types.ModuleType]:
    found = {}
    for name in modules(tree):
        with contextlib.suppress(ImportError):
            found[name] = importlib.import_module(name)
    return found


def _entry(namespace: dict[str, Any], name: str) -> Any:
    program = vars(sys.modules["solution"])
    if name not in program and isinstance(program.get("Solution"), Remote):
        return getattr(program["Solution"](), name)
    return program[name]


def _tests_in(name: str, value: Any, namespace: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    if isinstance(value, types.FunctionType) and name.startswith("test"):
        yield from some_pytest.calls(value, namespace)
    elif isinstance(value, type) and issubclass(value, unittest.TestCase):
        for suite in unittest.defaultTestLoader.loadTestsFromTestCase(value):
            yield lambda suite=suite: _unittest(suite)
    elif isinstance(value, type) and name.startswith("Test"):
        for method in [method for method in vars(value) if method.startswith("test")]:
            made = value()
            prepare = getattr(made, "setup_method", lambda *method: None)
            for call in some_pytest.calls(getattr(made, method), namespace):
                yield lambda call=call, prepare=prepare: (_prepared(prepare), call())


def _prepared(prepare: Callable[..., Any]) -> None:
    prepare(*[None] * len(inspect.signature(prepare).parameters))


def _unittest(case: unittest.TestCase) -> None:
    result = unittest.TestResult()
    case.run(result)
    troubles = [*result.errors, *result.failures]
    if troubles:
        raise AssertionError(troubles[0][1].strip().splitlines()[-1])
    if result.skipped or result.testsRun != 1 or result.unexpectedSuccesses:
        raise AssertionError("it was not run to its end")


def _told(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""
