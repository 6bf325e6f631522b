"""Saying: a sentence for whoever watches a run, from where no display is known. A loop listens while it lasts; where nobody does, nothing is said."""

import contextlib
from collections.abc import Callable, Iterator

_listeners: list[Callable[[str], None]] = []


def say(sentence: str) -> None:
    """Tell everybody who listens."""
    for listener in list(_listeners):
        listener(sentence)


@contextlib.contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """``listener`` is told what is said meanwhile."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
