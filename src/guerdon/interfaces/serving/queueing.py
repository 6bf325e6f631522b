"""Queueing: texts of many clients wait for one model. Nobody's many texts keep another's few from their turn.

Each client has a line of its own, in order of arrival. Whose line has cost the fewest tokens so far is served next; who comes anew, or comes back, begins where
those are that wait already, so that no credit is saved up (start-time fair queueing).

Source: Goyal, Vin and Cheng 1996, Start-time fair queueing, SIGCOMM; weights are alike.
"""

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any


class Full(Exception):
    """No more is taken on."""


@dataclass(eq=False)
class Job:
    """The texts of one request.

    Attributes:
        client: whose they are.
        items: what is scored; ``costs`` are their tokens.
        done: is called once, with everything that was found or with what failed first.
    """

    client: Hashable
    items: Sequence[Any]
    costs: Sequence[int]
    done: Callable[[Any], None]
    dropped: bool = False
    found: list[Any] = field(default_factory=list)
    left: int = 0

    def __post_init__(self) -> None:
        self.found, self.left = [None] * len(self.items), len(self.items)


class Queue:
    """Jobs of many clients, taken in batches. Of its own lock; any thread may ask.

    Args:
        most: texts that may wait or be scored at once.
    """

    def __init__(self, most: int):
        self.most, self.held = most, 0
        self._lock = threading.Condition()
        self._lines: dict[Hashable, deque[tuple[Job, int]]] = {}
        self._turns: list[tuple[float, int, Hashable]] = []
        self._spent: dict[Hashable, float] = {}
        self._count, self._now = itertools.count(), 0.0
        self._tokens, self._since, self._closed = 0, 0.0, False

    def hold(self, texts: int) -> None:
        """Make room for texts that are going to be put in.

        Raises:
            Full: there is none.
        """
        with self._lock:
            if self._closed or self.held + texts > self.most:
                raise Full
            self.held += texts

    def release(self, texts: int) -> None:
        """Give room back."""
        with self._lock:
            self.held -= texts

    @property
    def waiting(self) -> int:
        """Texts in the lines."""
        with self._lock:
            return sum(len(line) for line in self._lines.values())

    @property
    def tokens(self) -> int:
        """Tokens of the texts in the lines."""
        return self._tokens

    def put(self, job: Job) -> None:
        """Put a request's texts at the end of its client's line."""
        with self._lock:
            if not self._tokens:
                self._since = time.monotonic()
            line = self._lines.get(job.client)
            if line is None:
                line = self._lines[job.client] = deque()
                self._spent[job.client] = max(self._spent.get(job.client, 0.0), self._now)
                heapq.heappush(self._turns, (self._spent[job.client], next(self._count), job.client))
            line.extend((job, place) for place in range(len(job.items)))
            self._tokens += sum(job.costs)
            self._lock.notify()

    def drop(self, job: Job) -> None:
        """Forget a request: what of it is in line is not scored."""
        with self._lock:
            if job.dropped:
                return
            job.dropped = True
            line = self._lines.get(job.client)
            if line is not None:
                gone = [(one, place) for one, place in line if one is job]
                self._tokens -= sum(job.costs[place] for _, place in gone)
                self._lines[job.client] = deque(entry for entry in line if entry[0] is not job)

    def take(self, budget: int, wait: float) -> list[tuple[Job, int]] | None:
        """The next texts, at most ``budget`` tokens of them and one at least, once the first of them has waited ``wait`` seconds for company or there are enough; None when the
        queue is closed and empty."""
        with self._lock:
            while not self._tokens:
                if self._closed:
                    return None
                self._lock.wait()
            while 0 < self._tokens < budget and not self._closed and (rest := self._since + wait - time.monotonic()) > 0:
                self._lock.wait(rest)
            batch: list[tuple[Job, int]] = []
            cost = 0
            while self._turns:
                turn, order, client = heapq.heappop(self._turns)
                line = self._lines[client]
                if not line:
                    self._leave(client)
                    continue
                own = line[0][0].costs[line[0][1]]
                if batch and cost + own > budget:
                    heapq.heappush(self._turns, (turn, order, client))
                    break
                batch.append(line.popleft())
                cost += own
                self._now, self._spent[client] = turn, turn + own
                if line:
                    heapq.heappush(self._turns, (turn + own, next(self._count), client))
                else:
                    self._leave(client)
            self._tokens -= cost
            self._since = time.monotonic()
            return batch

    def close(self) -> None:
        """Take on nothing more; what is in line is still given out."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()

    def _leave(self, client: Hashable) -> None:
        """A client whose line is empty. What it has spent is remembered until the others have caught up."""
        del self._lines[client]
        if len(self._spent) > 2 * len(self._lines) + 64:
            self._spent = {who: spent for who, spent in self._spent.items() if spent > self._now or who in self._lines}
