"""Running: environments that are somebody else's code, called in threads beside this one, for no longer than is allowed.

A thread cannot be stopped: an environment that hangs is left behind with its thread, and not used again. What it does to whoever waits is one sentence, ``Broken``.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from guerdon.tasks.environments import Told
from guerdon.tasks.messages import is_conversational
from guerdon.threads import beside, waited

LONG = 0.01  # seconds after which other calls do not wait for one


class Broken(Exception):
    """What an environment did in the place of an answer, as a sentence."""


def all_of(calls: Sequence[Callable[[], Any]], deadline: float | None, what: str) -> list[Any]:
    """What each call returns, or a ``Broken``, each within so many seconds from now on. ``what`` they are, for what is said.

    One thread goes through them; while that takes long, threads become twice as many, so that those that wait for something wait beside each other.
    """
    answers = [Future() for _ in calls]
    left = deque(zip(calls, answers, strict=True))
    ends = None if deadline is None else time.monotonic() + deadline

    def work() -> None:
        while left:
            with contextlib.suppress(IndexError):  # another thread took the last
                call, answer = left.popleft()
                _into(answer, call)

    workers = [beside("guerdon-environment", work)] if calls else []
    while left and (ends is None or time.monotonic() < ends):
        with contextlib.suppress(TimeoutError):
            workers[0].exception(LONG)
        workers += [beside("guerdon-environment", work) for _ in range(min(len(workers), len(left)))]
    left.clear()
    return [_of(answer, ends, deadline, what) for answer in answers]


def _into(answer: Future, call: Callable[[], Any]) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:
        answer.set_exception(error)


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
