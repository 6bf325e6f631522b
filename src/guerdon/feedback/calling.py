"""Calling: a user's function, awaited where it is a coroutine, and what it raises told as the user's own."""

import asyncio
import inspect
from collections.abc import Callable
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


async def _awaited(coroutine: Any) -> Any:
    return await coroutine
