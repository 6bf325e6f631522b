"""Learners elsewhere: the processes that a run is on, each started by a worker of a cluster, on its machine, and watched from here.

Each gets the same command and finds the others by the variables that ``torchrun`` would set; what they print is printed here. To whoever watches them they are like processes of
this machine (``interfaces.launching``).
"""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from guerdon.processes import PARENT, free_port
from guerdon.training.placements import _cluster
from guerdon.training.placements._cluster import Gone
from guerdon.training.placements._pool import START
from guerdon.training.placements._worker import Said, Setting, _Worker, about

ANSWER = 60.0  # seconds in which whoever started a learner says how it is
PASSED = ("GUERDON_", "HF_", "OMP_", "RAY_AUTH", "RAY_USAGE")  # beginnings of variables that are passed on; others are those of the machine


class Learner(_Worker):
    """Starts one of the processes, and says how it is."""

    who = "a learner"

    def _be(self, setting: Setting) -> None:
        self.folder = setting.folder
        self.child: subprocess.Popen | None = None
        self.said: deque[tuple[int, str]] = deque()

    def place(self) -> Said:
        """Where the others can meet: the address of this machine, and a port that is free there."""
        return self._do(lambda: (_cluster.machine(), free_port()))

    def run(self, arguments: Sequence[str], variables: Mapping[str, str]) -> Said:
        """Start this Python with the arguments; returns the number of its process."""
        return self._do(lambda: self._run(arguments, variables))

    def _run(self, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
        own = {**os.environ, **variables, PARENT: str(os.getpid()), "PYTHONUNBUFFERED": "1"}
        self.child = subprocess.Popen(
            [sys.executable, *arguments],
            env=own,
            cwd=self.folder,
            start_new_session=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        streams = enumerate((self.child.stdout, self.child.stderr))
        self.listening = [threading.Thread(target=self._listen, args=(number, stream), daemon=True) for number, stream in streams]
        for thread in self.listening:
            thread.start()
        return self.child.pid

    def _listen(self, number: int, stream: IO[str]) -> None:
        for line in stream:
            self.said.append((number, line))

    def look(self) -> Said:
        """Its exit code, None while it runs, and what it has printed since: lines, each with 0 for the output and 1 for what goes wrong."""
        return self._do(self._look)

    def _look(self) -> tuple[int | None, list[tuple[int, str]]]:
        code = self.child.poll()
        for thread in self.listening if code is not None else ():
            thread.join(1.0)
        return code, [self.said.popleft() for _ in range(len(self.said))]

    def send(self, number: int) -> Said:
        """Send it a signal."""
        return self._do(lambda: self.child.send_signal(number))


class Elsewhere:
    """One of the processes, as ``subprocess.Popen`` shows those of this machine."""

    def __init__(self, cluster: Any, worker: Any):
        self.cluster, self.worker = cluster, worker
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                self.returncode, said = self._asked("look")
            except Gone:  # with whoever had started it
                self.returncode, said = -signal.SIGKILL, []
            for number, line in said:
                (sys.stdout, sys.stderr)[number].write(line)
            sys.stdout.flush()
        return self.returncode

    def send_signal(self, number: int) -> None:
        try:
            self._asked("send", number)
        except Gone:
            self.returncode = -signal.SIGKILL

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float) -> int | None:
        """Look again and again for so long."""
        for _ in range(int(seconds / 0.1)):
            if self.poll() is not None:
                break
            threading.Event().wait(0.1)
        return self.returncode

    def _asked(self, method: str, *arguments: Any) -> Any:
        return self.cluster.get(self.cluster.call(self.worker, method, *arguments), ANSWER).opened()


def started(cluster: Any, cpus: float, gpus: float, count: int, command: Sequence[str]) -> Iterator[Elsewhere]:
    """``command`` as ``count`` processes, each with so many CPUs and GPUs.

    Raises:
        InputError: one has no place, or other versions.
    """
    setting = Setting(about(), None, 1, os.getcwd(), tuple(sys.path), "", cluster.fetch)
    workers = [cluster.start(Learner, cpus, gpus) for _ in range(count)]
    for worker in workers:
        _begun(cluster, cluster.call(worker, "begin", setting), count)
    host, port = cluster.get(cluster.call(workers[0], "place"), ANSWER).opened()
    passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED)}
    shared = {"MASTER_ADDR": host, "MASTER_PORT": str(port), "WORLD_SIZE": str(count), _cluster.ADDRESS: cluster.address}
    shared |= {"TORCH_CPP_LOG_LEVEL": "ERROR", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}  # Ray shows each process its own cards only
    for rank, worker in enumerate(workers):
        call = cluster.call(worker, "run", list(command[1:]), {**passed, **shared, "RANK": str(rank)})
        cluster.get(call, ANSWER).opened()
        yield Elsewhere(cluster, worker)


def _begun(cluster: Any, call: Any, count: int) -> None:
    if not cluster.wait([call], START):
        raise _cluster.no_room(cluster, f"{count} learners", START)
    cluster.get(call, ANSWER).opened()
