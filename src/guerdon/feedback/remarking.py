"""Remarking: a user's function that writes of every answer what is to be told, in the signature of a reward function."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.calling import called
from guerdon.feedback.loading import load

Writer = Callable[..., list[str | None]]


def remarks(
    by: Writer | str, where: str, prompts: Sequence[Any], completions: Sequence[Any], columns: Mapping[str, Sequence[Any]]
) -> list[str | None]:
    """``by(prompts, completions, **columns)``: a text of each answer, or None where there is nothing to say.

    Args:
        by: the function, or ``file.py:function`` or ``package.module:function``; it may be a coroutine, and takes those columns that it names.
        where: the setting that names it, for what is said.

    Raises:
        InputError: it returns something else.
        RunFailed: it raises.
    """
    write = load(by, "reply") if isinstance(by, str) else by
    name = by if isinstance(by, str) else getattr(by, "__name__", type(by).__name__)
    known = inspect.signature(write).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values()):
        columns = {column: values for column, values in columns.items() if column in known}
    read = {column: list(values) for column, values in columns.items()}
    nothing = "an answer of which it has nothing to say is None"
    said = called(write, f"{where}: {name}", nothing, prompts=list(prompts), completions=list(completions), **read)
    if (
        not isinstance(said, list | tuple)
        or len(said) != len(prompts)
        or not all(words is None or isinstance(words, str) for words in said)
    ):
        raise InputError(f"{where}: {name} must return a list with a text or None for each of {len(prompts)} answers")
    return list(said)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The columns of rows, but for what is said in them."""
    names = sorted({name for row in rows for name in row} - {"prompt", "completion"})
    return {name: [row.get(name) for row in rows] for name in names}
