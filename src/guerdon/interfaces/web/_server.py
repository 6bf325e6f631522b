"""The server of ``uvicorn``, which stops when what was begun is done. Imported where ``uvicorn`` is known to be there."""

import time
from typing import Any

import uvicorn

from guerdon.interfaces.web.ending import Ending

QUIET = 0.5  # seconds without a request after which it ends: who has connected already is told that it is being stopped, and not cut off


class Server(uvicorn.Server):
    """Asked to stop by a signal or by ``ending``, it takes no more requests, and ends when none is open, or after ``grace`` seconds."""

    def __init__(self, config: uvicorn.Config, ending: Ending, grace: float):
        super().__init__(config)
        self.ending, self.grace, self.since, self.busy = ending, grace, 0.0, 0.0

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.ending.asked:
            super().handle_exit(sig, frame)
        self.ending.ask()

    async def on_tick(self, counter: int) -> bool:
        if self.ending.asked:
            now = time.monotonic()
            self.since = self.since or now
            self.busy = now if self.ending.open or not self.busy else self.busy
            if now - self.busy > QUIET or now - self.since > self.grace:
                self.should_exit = True
        return await super().on_tick(counter)
