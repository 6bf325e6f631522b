"""Pacing: no more requests and tokens a minute than a server allows.

A bucket that holds what a minute allows and fills up evenly: what does not fit waits. One that is asked for more than it can ever hold lets it through when it is full.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """So many of something a minute; None: no bound."""

    per_minute: float | None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _level: float = field(default=0.0, init=False)
    _seen: float | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def take(self, amount: float) -> None:
        """Wait until ``amount`` of it may be used."""
        if self.per_minute is None:
            return
        with self._lock:  # who came first goes first
            now = self.clock()
            self._level = (
                self.per_minute if self._seen is None else min(self.per_minute, self._level + (now - self._seen) * self.per_minute / 60)
            )
            self._seen = now
            short = min(amount, self.per_minute) - self._level
            if short > 0:
                self.sleep(short * 60 / self.per_minute)
                self._level += (self.clock() - now) * self.per_minute / 60
                self._seen = self.clock()
            self._level -= amount
