"""What every part is: a frozen dataclass that can be called, and whose argument names say what it needs.

A part is pure. One that carries state (a running mean, a multiplier) has ``init() -> state`` and takes and returns the
state explicitly: ``part(..., state=state) -> (output, state)``. A part that wraps others (``Pairwise(score, link)``)
overrides ``needs``, because what it needs is what they need.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

Part = Callable[..., Any]


def needs(part: Part) -> frozenset[str]:
    """The names that ``part`` cannot be called without."""
    own = getattr(part, "needs", None)
    if own is not None:
        return frozenset(own())
    return frozenset(p.name for p in _arguments(part) if p.default is inspect.Parameter.empty)


def wants(part: Part) -> frozenset[str]:
    """The names that ``part`` uses where they are to be had, and does without otherwise."""
    own = getattr(part, "wants", None)
    if own is not None:
        return frozenset(own())
    return frozenset(p.name for p in _arguments(part) if p.default is not inspect.Parameter.empty)


def call(part: Part, quantities: Mapping[str, Any], **extra: Any) -> Any:
    """Call ``part`` with what it needs and wants out of ``quantities``.

    Raises:
        KeyError: a needed quantity is missing; the message names the part and the quantity.
    """
    missing = sorted(name for name in needs(part) if name not in quantities)
    if missing:
        raise KeyError(f"{describe(part)} needs {', '.join(missing)}, which nothing here computes or holds")
    wanted = needs(part) | {name for name in wants(part) if name in quantities}
    return part(**{name: quantities[name] for name in wanted}, **extra)


def stateful(part: Part) -> bool:
    """Whether ``part`` carries explicit state."""
    return hasattr(part, "init")


def per_batch(part: Part) -> bool:
    """Whether the part's output for one sequence depends on the other groups of the batch."""
    return _says(part, "per_batch")


def per_group(part: Part) -> bool:
    """Whether the part's output for one sequence depends on the others of its group, and on no more."""
    return _says(part, "per_group")


def sparse(part: Part) -> frozenset[str]:
    """Columns of the data that a row may lack, as the part or one that it wraps says; it is told NaN there."""
    nested = (getattr(part, f.name) for f in dataclasses.fields(part)) if dataclasses.is_dataclass(part) else ()
    own = getattr(part, "sparse", frozenset())
    return frozenset(own).union(*(sparse(each) for each in nested if is_part(each)))


def _says(part: Part, word: str) -> bool:
    nested = (getattr(part, f.name) for f in dataclasses.fields(part)) if dataclasses.is_dataclass(part) else ()
    return bool(getattr(part, word, False)) or any(_says(p, word) for p in nested if is_part(p))


def is_part(thing: Any) -> bool:
    """Whether ``thing`` is an instance of a frozen dataclass that can be called."""
    return dataclasses.is_dataclass(thing) and not isinstance(thing, type) and callable(thing)


def describe(part: Part) -> str:
    """The part as one would write it, without the fields left at their defaults."""
    if not dataclasses.is_dataclass(part) or isinstance(part, type):
        return getattr(part, "__name__", repr(part))
    shown = []
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if not _is_default(field, value):
            shown.append(f"{field.name}={describe(value) if dataclasses.is_dataclass(value) else repr(value)}")
    return f"{type(part).__name__}({', '.join(shown)})"


def _is_default(field: dataclasses.Field, value: Any) -> bool:
    if field.default is not dataclasses.MISSING:
        return value == field.default
    if field.default_factory is not dataclasses.MISSING:
        return value == field.default_factory()
    return False


_NOT_NAMES = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def _arguments(part: Part) -> list[inspect.Parameter]:
    return _arguments_of(type(part)) if is_part(part) else _named(inspect.signature(part))


@functools.cache  # in a small world, looking at signatures would take longer than the arithmetic
def _arguments_of(kind: type) -> list[inspect.Parameter]:
    return [p for p in _named(inspect.signature(kind.__call__)) if p.name != "self"]


def _named(signature: inspect.Signature) -> list[inspect.Parameter]:
    return [p for p in signature.parameters.values() if p.name != "state" and p.kind not in _NOT_NAMES]
