"""A pool: workers of a kind, each of which does one piece of work at a time, and the next of those that are left when it has done it.

A worker that is gone, or does not answer in time, is replaced, and its piece done by another. Several threads may have work done at once.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import RunFailed
from guerdon.saying import say
from guerdon.training.placements._cluster import Gone, no_room

TICK = 0.5  # seconds between two looks at whether somebody is late, or a user has pressed Ctrl-C
START = 180.0  # seconds for a worker to find its place, to import torch and to build a model


@dataclass(eq=False)
class Worker:
    """One of the pool."""

    handle: Any
    pid: int = 0


class Pool:
    """The workers, running.

    Args:
        cluster: where they run.
        kind: what one is: a class with ``who``, one of them in a sentence. It is asked to ``begin`` with ``setting``.
        needs: CPUs and GPUs that one takes.
        replacements: so many may be lost before any has done something again.
        patience: seconds that a piece may take.

    Raises:
        InputError: the cluster has no room for them, or they cannot do what they are for.
        RunFailed: one does not start.
    """

    def __init__(
        self, cluster: Any, kind: type, needs: tuple[float, float], setting: Any, count: int, replacements: int, patience: float
    ) -> None:
        self.cluster, self.kind, self.needs, self.setting = cluster, kind, needs, setting
        self.count, self.who, self.replacements, self.patience = count, kind.who, replacements, patience
        self.changed = threading.Condition()
        self.workers: list[Worker] = []
        self.free: deque[Worker] = deque()
        self.beginning: dict[Any, tuple[Worker, float]] = {}  # those that replace others
        self.lost = 0  # since a piece was done
        self.closed = False
        try:
            begun = [(worker, call) for worker, call in (self._new() for _ in range(count))]
            for worker, call in begun:
                worker.pid = self._begun(worker, call)
        except BaseException:
            self.close()
            raise
        self.free.extend(self.workers)

    def each(self, method: str, pieces: Sequence[tuple[Any, ...]], done: Callable[[int, Any], None] | None = None) -> list[Any]:
        """What ``method`` gives of every piece, in their order.

        Args:
            done: is told of each as it comes.

        Raises:
            InputError, RunFailed: what a worker said; or they are lost faster than they do anything.
        """
        left, found = deque(range(len(pieces))), [None] * len(pieces)
        running: dict[Any, tuple[Worker, int, float]] = {}
        try:
            while left or running:
                while left and (worker := self._take(wait=not running)) is not None:
                    piece = left.popleft()
                    running[self.cluster.call(worker.handle, method, *pieces[piece])] = worker, piece, time.monotonic()
                ready = self.cluster.wait(list(running), TICK)
                late = [call for call, (_, _, since) in running.items() if time.monotonic() - since > self.patience and call not in ready]
                for call in [*ready, *late]:
                    worker, piece, _ = running.pop(call)
                    try:
                        if call in late:
                            raise Gone(f"it did not answer within {self.patience:.0f} s")
                        said = self.cluster.get(call, self.patience)
                    except Gone as gone:
                        left.appendleft(piece)
                        self._replace(worker, gone)
                        continue
                    self._give_back(worker)
                    found[piece] = said.opened()
                    if done is not None:
                        done(piece, found[piece])
        except BaseException:  # what still runs is of no use any more
            self.close()
            raise
        return found

    def close(self) -> None:
        """End all of them."""
        with self.changed:
            self.closed = True
            workers, self.workers = self.workers, []
            self.free.clear()
            self.changed.notify_all()
        for worker in workers:
            self.cluster.end(worker.handle)

    def _new(self) -> tuple[Worker, Any]:
        worker = Worker(None)
        self.workers.append(worker)
        return worker, self._start(worker)

    def _start(self, worker: Worker) -> Any:
        worker.handle = self.cluster.start(self.kind, *self.needs)
        return self.cluster.call(worker.handle, "begin", self.setting)

    def _begun(self, worker: Worker, call: Any) -> int:
        """The process of one that has begun. Where it does not although there is room, its process hangs, or was never made: another is started."""
        left = self.replacements
        while not self.cluster.wait([call], START):
            if not all(free >= need for free, need in zip(self.cluster.free(), self.needs, strict=True)):
                raise no_room(self.cluster, f"{self.count} {self.who.removeprefix('a ')}s", START)
            if not left:
                raise RunFailed(
                    f"placement: {self.who} has not begun in {1 + self.replacements} times {START:.0f} s, although there is room for it"
                )
            left -= 1
            say(f"{self.who} has not begun within {START:.0f} s, although there is room for it; another is started")
            self.cluster.end(worker.handle)
            call = self._start(worker)
        try:
            return self.cluster.get(call, START).opened()
        except Gone as gone:
            raise RunFailed(f"placement: {self.who} did not start: {gone}") from gone

    def _take(self, wait: bool) -> Worker | None:
        since = time.monotonic()
        with self.changed:
            while True:
                if self.closed:
                    raise RunFailed(f"placement: {self.who} was asked for something after the workers were ended")
                self._settle()
                if self.free:
                    return self.free.popleft()
                if not wait:
                    return None
                if time.monotonic() - since > self.patience:
                    raise RunFailed(f"placement: no worker came free within {self.patience:.0f} s")
                self.changed.wait(TICK)

    def _settle(self) -> None:
        """Those that have begun are free."""
        for call, (worker, since) in list(self.beginning.items()):
            try:
                if self.cluster.wait([call], 0):
                    del self.beginning[call]
                    worker.pid = self.cluster.get(call, START).opened()
                    self.free.append(worker)
                elif time.monotonic() - since > START:
                    del self.beginning[call]
                    raise Gone(f"there was no room for it within {START:.0f} s")
            except Gone as gone:
                self._replace(worker, gone)

    def _give_back(self, worker: Worker) -> None:
        with self.changed:
            self.lost = 0
            if not self.closed:
                self.free.append(worker)
            self.changed.notify()

    def _replace(self, worker: Worker, gone: Gone) -> None:
        """Another in its place, which begins while others go on."""
        self.cluster.end(worker.handle)
        with self.changed:
            if worker in self.workers:
                self.workers.remove(worker)
            self.lost += 1
            if self.lost > self.replacements:
                raise RunFailed(
                    f"placement: {self.who} was lost {self.lost} times in a row, the last time because {gone}; the same command goes on from the last checkpoint, and with "
                    "fewer workers there is more memory for each"
                )
            if self.closed:
                return
            new, call = self._new()
            self.beginning[call] = new, time.monotonic()
        say(f"{self.who} was lost ({gone}); it is replaced, and what it was doing is done again")
