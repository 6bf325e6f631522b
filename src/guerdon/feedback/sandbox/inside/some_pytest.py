"""Some of pytest: what tests of small programs use of it, since the package is not there."""

import inspect
import math
import re
from collections.abc import Callable, Iterator
from typing import Any


class Skipped(Exception):
    """A test that says that it is none."""


class raises:
    """``with raises(error, match=...) as caught``, or ``raises(error, function, ...)``."""

    def __new__(cls, expected: Any, *call: Any, match: str | None = None, **named: Any) -> Any:
        made = super().__new__(cls)
        made.expected, made.match, made.value = expected, match, None
        if call:
            with made:
                call[0](*call[1:], **named)
        return made

    def __enter__(self) -> "raises":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if kind is None:
            raise AssertionError("nothing was raised")
        if not issubclass(kind, self.expected):
            return False
        if self.match is not None and not re.search(self.match, str(error)):
            raise AssertionError(f"{error} does not match {self.match}")
        self.value = error
        return True


class approx:
    """A number, or numbers, up to a tolerance."""

    def __init__(self, expected: Any, rel: float | None = None, abs: float | None = None, nan_ok: bool = False) -> None:
        self._expected, self._nan = expected, nan_ok
        self._rel = rel if rel is not None else (0.0 if abs is not None else 1e-6)
        self._abs = abs if abs is not None else 1e-12

    def __eq__(self, other: Any) -> bool:
        return self._near(other, self._expected)

    def __repr__(self) -> str:
        return f"approx({self._expected!r})"

    def _near(self, a: Any, b: Any) -> bool:
        if isinstance(b, dict):
            return isinstance(a, dict) and a.keys() == b.keys() and all(self._near(a[key], b[key]) for key in b)
        if isinstance(b, list | tuple):
            return isinstance(a, list | tuple) and len(a) == len(b) and all(map(self._near, a, b))
        if isinstance(a, int | float) and isinstance(b, int | float):
            return math.isclose(a, b, rel_tol=self._rel, abs_tol=self._abs) or (self._nan and a != a and b != b)
        return type(a) is type(b) and a == b


class _Marks:
    """``mark.parametrize``; other marks say nothing."""

    def parametrize(self, names: Any, sets: Any, **options: Any) -> Callable[[Any], Any]:
        names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        sets = [values.values if isinstance(values, param) else values for values in sets]

        def marked(function: Any) -> Any:
            function.sets = [
                dict(zip(names, (values,) if len(names) == 1 else values, strict=True)) | before
                for before in getattr(function, "sets", [{}])
                for values in sets
            ]
            return function

        return marked

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: (
            arguments[0] if len(arguments) == 1 and callable(arguments[0]) and not named else (lambda own: own)
        )


class param:
    """One set of values."""

    def __init__(self, *values: Any, id: Any = None, marks: Any = ()) -> None:
        self.values = values if len(values) != 1 else values[0]


mark = _Marks()


def fixture(function: Any = None, **options: Any) -> Any:
    """A function whose value is given to tests that ask for its name."""
    if function is None:
        return fixture
    function.is_fixture = True
    return function


def skip(reason: str = "", **options: Any) -> None:
    raise Skipped(reason)


def fail(reason: str = "", **options: Any) -> None:
    raise AssertionError(reason)


def calls(function: Any, namespace: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """The calls of a test function: one for each set of values, its fixtures given."""
    for values in getattr(function, "sets", [{}]):
        yield lambda values=values: function(**values, **_given(function, set(values), namespace))


def _given(function: Any, there: set[str], namespace: dict[str, Any]) -> dict[str, Any]:
    given = {}
    for name in inspect.signature(function).parameters:
        if name not in there and getattr(namespace.get(name), "is_fixture", False):
            made = namespace[name](**_given(namespace[name], set(), namespace))
            given[name] = next(made) if inspect.isgenerator(made) else made
    return given
