"""What a library's runner gives back."""

import time
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Attributes:
    seconds: of each step.
    lengths: of sampled completions, in the order of the steps; empty where the data were given.
    memory, helpers, idle: in MB, see ``memory.Peak``.
    """

    seconds: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    memory: float = 0.0
    helpers: float = 0.0
    idle: float = 0.0


class Clock:
    """Seconds from one step's end to the next."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.last = time.perf_counter()

    def start(self) -> None:
        self.last = time.perf_counter()

    def tick(self) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
