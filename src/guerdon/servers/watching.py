"""Watching a server while answers are waited for: what is waited for is said, and a server that is gone, or hangs, is not waited for until the timeout.

A request may rightly take minutes, so its silence says nothing. But a server that lives answers on a second connection: ``GET /health``, any answer to
which but 500 and 503 (what vLLM says when its engine has died) is a sign of life. One that refuses new connections while it holds ours, as servers
do that were told to stop, is gone; one that accepts them and says nothing hangs, or does one thing at a time.
"""

import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from guerdon.errors import RunFailed
from guerdon.saying import say

LOOK = 5.0  # seconds between two looks, and that a look may take
SPEAK = (5.0, 60.0)  # seconds of waiting after which it is said what is waited for: the first time, and then again and again
GONE = 2  # so many refused connections in a row, and it is not there

_watches: dict[str, "Watch"] = {}


def watch_of(url: str) -> "Watch":
    """The watch over the server of an address; all requests share it."""
    parts = urllib.parse.urlsplit(url)
    return _watches.setdefault(f"{parts.scheme}://{parts.netloc}", Watch(f"{parts.scheme}://{parts.netloc}"))


class Watch:
    """What is known of a server from the outside: when it last said anything, and how many requests are open."""

    def __init__(self, server: str):
        self.server = server
        self.lock, self.looking = threading.Lock(), threading.Lock()
        self.open, self.heard, self.looked, self.spoken, self.gone, self.refused, self.reason = 0, 0.0, 0.0, 0.0, 0.0, 0, ""

    def wait(self, ask: Callable[[], Any], opener: Any, patience: float) -> Any:
        """What ``ask`` returns, which is run in a thread of its own and abandoned when the server is gone.

        Raises:
            ConnectionError: the server takes no connections any more.
            RunFailed: it takes them and has said nothing for as long as ``patience``.
        """
        found: dict[str, Any] = {}

        def run() -> None:
            try:
                found["answer"] = ask()
            except BaseException as error:
                found["error"] = error
            finally:
                done.set()

        begun, done = time.monotonic(), threading.Event()
        self._begin(begun)
        try:
            threading.Thread(target=run, daemon=True, name=f"waiting for {self.server}").start()
            while not done.wait(min(LOOK, SPEAK[0]) / 5):
                self._look(opener, patience, begun)
        finally:
            self._end("answer" in found)
        if "error" in found:
            raise found["error"]
        return found["answer"]

    def _begin(self, now: float) -> None:
        with self.lock:
            if not self.open:  # nothing was asked for a while
                self.heard, self.looked, self.spoken, self.refused = now, now, 0.0, 0
            self.open += 1

    def _end(self, answered: bool) -> None:
        with self.lock:
            self.open -= 1
            if answered:
                self._lives()

    def _lives(self) -> None:
        self.heard, self.refused = time.monotonic(), 0

    def _look(self, opener: Any, patience: float, begun: float) -> None:
        """Say what is waited for, and look whether the server lives. Of all that wait one does."""
        now = time.monotonic()
        if now - self.looked >= LOOK and now - self.heard >= LOOK and self.looking.acquire(blocking=False):
            try:
                self._probe(opener)
                self.looked = time.monotonic()
            finally:
                self.looking.release()
        with self.lock:
            waited = now - begun
            if waited >= SPEAK[0] and now - self.spoken >= (SPEAK[1] if self.spoken else 0):
                self.spoken = now
                state = "it answers on a second connection" if not self.reason else f"a second connection: {self.reason}"
                say(f"waiting for {self.server}: {self.open} request{'s' * (self.open > 1)} open, for {waited:.0f} s; {state}")
        if self.gone > begun:
            raise ConnectionError(f"it holds the request and takes no new connections ({self.reason}): it was told to stop, or has died")
        if time.monotonic() - self.heard > patience:
            raise RunFailed(
                f"{self.server} has said nothing for {patience:.0f} s, neither to what it was asked nor to GET /health ({self.reason}): it hangs; start it "
                "again, then run the same command, which goes on from the last checkpoint (a server that does one thing at a time may need a higher "
                "connection.patience)"
            )

    def _probe(self, opener: Any) -> None:
        try:
            with opener.open(f"{self.server}/health", timeout=LOOK):
                code = 200
        except urllib.error.HTTPError as error:
            code = error.code
        except OSError as error:
            cause = getattr(error, "reason", error)
            hangs = isinstance(cause, TimeoutError)
            with self.lock:
                self.reason = "no answer" if hangs else str(cause)
                self.refused = 0 if hangs else self.refused + 1
                if self.refused >= GONE:  # what was asked before is lost; what is asked from now on finds a server that was started again
                    self.gone, self.refused = time.monotonic(), 0
            return
        with self.lock:
            if code in (500, 503):
                self.reason = f"GET /health says {code}"
            else:
                self.reason = ""
                self._lives()
