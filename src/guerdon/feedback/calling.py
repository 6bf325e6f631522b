"""Calling: a function is told of the columns what it reads; a user's is awaited where it is a coroutine, and what it raises is told as the user's own."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from guerdon.errors import InputError, RunFailed
from guerdon.feedback.worker import sentence


def called(function: Callable[..., Any], who: str, instead: str, *arguments: Any, **named: Any) -> Any:
    """What ``function(*arguments, **named)`` says.

    Args:
        who: what the function is called where it fails.
        instead: what it is to do in the place of that.

    Raises:
        RunFailed: it raises.
    """
    try:
        said = function(*arguments, **named)
        if inspect.isawaitable(said):
            with ThreadPoolExecutor(1) as thread:  # a notebook has a loop of its own that runs already
                said = thread.submit(asyncio.run, _awaited(said)).result()
    except (InputError, RunFailed):
        raise
    except Exception as error:
        raise RunFailed(f"{who} raised {sentence(error)}; {instead}") from error
    return said


def read_by(function: Callable[..., Any], columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Those of the columns that a function asks for by name, or all where it takes whatever there is."""
    names = inspect.signature(function).parameters
    every = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in names.values())
    return {name: values for name, values in columns.items() if every or name in names}


async def _awaited(coroutine: Any) -> Any:
    return await coroutine
