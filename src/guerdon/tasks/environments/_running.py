"""Running: an environment that is somebody else's code, called in a thread beside this one, for no longer than is allowed.

A thread cannot be stopped: an environment that hangs is left behind with its thread, and not used again. What it does to whoever waits is one sentence, ``Broken``.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from guerdon.tasks.environments import Told
from guerdon.tasks.messages import is_conversational
from guerdon.threads import beside, waited


class Broken(Exception):
    """What an environment did in the place of an answer, as a sentence."""


def all_of(calls: Sequence[Callable[[], Any]], deadline: float | None, what: str) -> list[Any]:
    """What each call returns, or a ``Broken``; they run beside each other, each for at most so many seconds from now on. ``what`` they are, for what is said."""
    running = [beside("guerdon-environment", call) for call in calls]
    ends = None if deadline is None else time.monotonic() + deadline
    return [_of(future, ends, deadline, what) for future in running]


def _of(future: Future, ends: float | None, deadline: float | None, what: str) -> Any:
    try:
        if ends is None:
            return waited(future)
        return future.result(max(ends - time.monotonic(), 0.0))
    except TimeoutError:
        if future.done():  # its own
            return Broken(f"{what} raised TimeoutError: {future.exception()}")
        return Broken(f"{what} did not answer within {deadline:g} s")
    except Exception as error:
        return Broken(f"{what} raised {type(error).__name__}: {error}")


def as_told(said: Any) -> Told:
    """What ``step`` returned, as it has to be.

    Raises:
        Broken: it is no such thing; the sentence says what it is.
    """
    if not isinstance(said, Told):
        raise Broken(f"step returned {_short(said)}, which is no Told(text, reward, done)")
    if not isinstance(said.text, str) and not (is_conversational(said.text) and len(said.text)):
        raise Broken(f"step told {_short(said.text)}, which is neither a text nor messages ({{role, content}})")
    if not said.done and not said.text:
        raise Broken("step told nothing and the episode is not over; say something, or done=True")
    if said.reward is not None and not _finite(said.reward):
        raise Broken(f"step returned the reward {_short(said.reward)}, which is no finite number")
    if said.duration is not None and not (_finite(said.duration) and said.duration >= 0):
        raise Broken(f"step returned the duration {_short(said.duration)}, which is no finite number from 0 on")
    return said


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and value == value and abs(value) != float("inf")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
