"""Ending: how a server stops. What was begun is finished first; whoever asks meanwhile is told to ask another, or later.

It is asked to stop by a signal (Ctrl-C, SIGTERM) or by what it serves (``Ending.ask``, from any thread). A second signal stops it at once.
"""

import threading
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

LATER = 5  # seconds after which who is sent away may ask again: another server is there by then, or none


@dataclass
class Ending:
    """Whether a server is to stop, and how much of what it began is not done yet.

    Attributes:
        open: requests that are being answered.
    """

    open: int = 0
    _asked: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        """Stop, when what was begun is done."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()


@dataclass(frozen=True)
class Drained:
    """An ASGI application that takes no more requests once the end was asked for; ``open_paths`` are answered to the last."""

    app: Any
    ending: Ending
    open_paths: Set[str]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] in self.open_paths:
            return await self.app(scope, receive, send)
        if self.ending.asked:
            from guerdon.interfaces.web.refusing import refused

            said = refused(503, "the server is being stopped and takes nothing new; ask again, or another", {"Retry-After": str(LATER)})
            return await said(scope, receive, send)
        self.ending.open += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.ending.open -= 1
