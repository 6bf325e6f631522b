"""A cluster within this process: what is asked of Ray, with objects in the place of processes. A call is done when what came of it is asked for, one at a time."""

import dataclasses
import pickle
import threading
import time

from guerdon.processes import here
from guerdon.training.placements._cluster import Gone
from guerdon.training.placements._running import Running
from guerdon.training.placements.ray import Ray


class Here:
    """The cluster. ``lose`` and ``late``: the calls, counted from 1, at which the worker that is called is lost, or does not answer; ``never``: the workers that find no place."""

    fetch = staticmethod(pickle.loads)  # a copy, as another process has
    address = "127.0.0.1:6379"

    def __init__(self, lose: tuple[int, ...] = (), late: tuple[int, ...] = (), never: tuple[int, ...] = ()):
        self.lose, self.late, self.never = set(lose), set(late), set(never)
        self.calls = self.started = self.ended = 0
        self.waiting: dict[int, tuple] = {}
        self.threads: set[str] = set()

    def start(self, kind, cpus, gpus):
        self.started += 1
        return kind()

    def resources(self):
        return 2.0, 0.0

    def free(self):
        return 1.0, 0.0

    def put(self, value):
        return pickle.dumps(value)

    def call(self, worker, method, *arguments):
        self.calls += method != "begin"
        self.threads.add(threading.current_thread().name)
        gone = method != "begin" and self.calls in self.lose
        late = self.calls in self.late if method != "begin" else self.started in self.never
        call = len(self.waiting)
        self.waiting[call] = (worker, method, arguments, gone, late)
        return call

    def wait(self, calls, seconds):
        there = [call for call in calls if not self.waiting[call][4]]
        if not there and seconds:
            time.sleep(0.01)
        return there[-1:]  # the last that was asked for is done first

    def get(self, call, seconds):
        worker, method, arguments, gone, _ = self.waiting[call]
        if gone:
            raise Gone("its process ended")
        return getattr(worker, method)(*pickle.loads(pickle.dumps(arguments)))

    def end(self, worker):
        self.ended += 1

    def close(self):
        pass


@dataclasses.dataclass(frozen=True)
class InProcess(Ray):
    """A placement on such a cluster."""

    def build(self, policy):
        return here().at_once(lambda: Running(self, policy, Here() if here().first else None))
