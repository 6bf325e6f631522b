"""A cluster: the few things that are asked of Ray, so that nothing else here knows it.

Started on this machine, or joined where it runs. What Ray would print is left to its own log files, and nothing is reported to its makers.
"""

import contextlib
import importlib.util
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from guerdon.errors import InputError, RunFailed
from guerdon.processes import PARENT

REACH = 5.0  # seconds in which a head node has to take a connection
ADDRESS = "RAY_ADDRESS"
HERE = ("", "local", "auto")  # addresses that name no machine
GROUP = (
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    PARENT,
)  # how processes that learn together find each other


class Gone(Exception):
    """A worker is gone, and what it was doing is not done."""


def installed() -> None:
    """See that Ray is there.

    Raises:
        InputError: it is not.
    """
    if importlib.util.find_spec("ray") is None:
        raise InputError("placement: ray is not installed; pip install 'guerdon[ray]', or leave placement out")


def address() -> str:
    """Where the cluster runs that is to be joined; "" for one that is started here."""
    return os.environ.get(ADDRESS, "").strip()


def reach(where: str) -> None:
    """See that something listens at the address of a head node.

    Raises:
        InputError: nothing does.
    """
    host, _, port = where.removeprefix("ray://").rpartition(":")
    if where in HERE:
        return
    if not host or not port.isdigit():
        raise InputError(f"placement: {ADDRESS} is {where!r}; write the head node's address with its port, such as 192.168.1.2:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error) or "it does not answer"
        raise InputError(
            f"placement: no cluster can be reached at {ADDRESS}={where} ({why}); start one there with ray start --head, or unset {ADDRESS} for one on this machine"
        ) from error


def fetched(reference: Any) -> Any:
    """What a reference stands for, in a worker."""
    import ray

    return ray.get(reference)


class Cluster:
    """A running cluster, which this process belongs to until ``close``. One that was started here ends with it; one that this process belonged to before stays joined.

    Raises:
        InputError: there is none that could be joined.
    """

    fetch = staticmethod(fetched)

    def __init__(self) -> None:
        import ray

        self.where, self.own = address(), False
        self.word: subprocess.Popen | None = None
        if ray.is_initialized():
            return
        reach(self.where)
        self.own = True
        with _quietly():
            try:
                if self.where not in HERE[:2]:
                    ray.init(address=self.where, log_to_driver=False, logging_level=logging.ERROR)
                else:
                    cpus, gpus = here()
                    own = {"num_cpus": cpus, "num_gpus": gpus, "include_dashboard": False}
                    with alone():
                        ray.init(address="local", log_to_driver=False, logging_level=logging.ERROR, **own)
            except Exception as error:  # what Ray raises where versions differ, nothing is there, or a disk is full, has no common kind
                if self.where in HERE[:2]:
                    raise InputError(f"placement: no cluster can be started on this machine ({_first(error)})") from error
                raise InputError(
                    f"placement: the cluster at {self.where} cannot be joined ({_first(error)}); have all machines the same versions of Python and Ray, and if it asks for a "
                    "token, is RAY_AUTH_MODE=token set here?"
                ) from error
        self.word = last_word()

    @property
    def address(self) -> str:
        """By which another process joins it."""
        import ray

        return ray.get_runtime_context().gcs_address

    def resources(self) -> tuple[float, float]:
        """CPUs and GPUs of all its machines."""
        import ray

        there = ray.cluster_resources()
        return there.get("CPU", 0.0), there.get("GPU", 0.0)

    def free(self) -> tuple[float, float]:
        """Those of them that nobody has taken."""
        import ray

        there = ray.available_resources()
        return there.get("CPU", 0.0), there.get("GPU", 0.0)

    def start(self, kind: type, cpus: float, gpus: float) -> Any:
        """A process that runs an object of this kind, spread over the machines."""
        import ray

        spread = {"scheduling_strategy": "SPREAD", "max_restarts": 0, "max_task_retries": 0}
        return ray.remote(kind).options(num_cpus=cpus, num_gpus=gpus, **spread).remote()

    def put(self, value: Any) -> Any:
        """A reference by which workers fetch the value."""
        import ray

        return ray.put(value)

    def call(self, worker: Any, method: str, *arguments: Any) -> Any:
        """Have a worker do something; returns what to wait for."""
        return getattr(worker, method).remote(*arguments)

    def wait(self, calls: Sequence[Any], seconds: float) -> list[Any]:
        """Those that are done, as soon as one is."""
        import ray

        done, _ = ray.wait(list(calls), num_returns=1, timeout=seconds)
        if done:
            done, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        return done

    def get(self, call: Any, seconds: float) -> Any:
        """What came of a call.

        Raises:
            Gone: the worker is, or does not answer in time.
            RunFailed: Ray itself does not work any more, or what a worker was sent could not be read there.
        """
        import ray
        from ray import exceptions

        lost = (
            exceptions.RayActorError,
            exceptions.WorkerCrashedError,
            exceptions.OutOfMemoryError,
            exceptions.NodeDiedError,
            exceptions.ObjectLostError,
        )
        try:
            return ray.get(call, timeout=seconds)
        except exceptions.GetTimeoutError as error:
            raise Gone(f"it did not answer within {seconds:.0f} s") from error
        except exceptions.RayTaskError as error:
            cause = error.cause if isinstance(getattr(error, "cause", None), Exception) else error
            raise RunFailed(f"placement: a worker cannot go on: {type(cause).__name__}: {_first(cause)}") from error
        except lost as error:
            raise Gone(_why(error)) from error
        except (exceptions.RayError, ConnectionError) as error:
            raise RunFailed(
                f"placement: the cluster does not work any more ({_first(error)}); the same command goes on from the last checkpoint"
            ) from error

    def end(self, worker: Any) -> None:
        """End a worker, however it is."""
        import ray

        with contextlib.suppress(Exception):
            ray.kill(worker, no_restart=True)

    def close(self) -> None:
        import ray

        if self.own and ray.is_initialized():
            ray.shutdown()
        if self.word is not None:
            unsaid(self.word)
            self.word = None


LAST = (
    "guerdon: the run ended with the Ray cluster that it belonged to, whose head node, or whose part on this machine, is gone (or it was killed itself); the same command goes on "
    "from the last checkpoint"
)


def last_word() -> subprocess.Popen:
    """A process that says this one's last sentence, should it end before the cluster is left: where the head node is gone, Ray ends whoever belongs to it at
    once, and says nothing."""
    program = f"import sys\nif not sys.stdin.read(): print({LAST!r}, file=sys.stderr)"
    command = [sys.executable, "-I", "-S", "-c", program]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)


def unsaid(word: subprocess.Popen) -> None:
    """It need not be said."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        word.communicate(b".", timeout=10.0)


def machine() -> str:
    """The address of this machine, for the others."""
    import ray

    return ray.util.get_node_ip_address()


def no_room(cluster: Any, several: str, seconds: float) -> InputError:
    """That a cluster had no room for workers."""
    (cpus, gpus), (some, cards) = cluster.resources(), cluster.free()
    return InputError(
        f"placement: the cluster had no room for {several} within {seconds:.0f} s: of its {cpus:g} CPUs and {gpus:g} GPUs {some:g} and {cards:g} "
        "are free; ask for fewer, or wait for those who have them"
    )


def here() -> tuple[int, int]:
    """CPUs and GPUs of this machine."""
    import torch

    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cpus, torch.cuda.device_count()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Whoever is started belongs to none of the groups of processes that this one does."""
    before = {name: os.environ.pop(name) for name in GROUP if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Ray says what is wrong, and reports to nobody."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of what will be another default
    log = logging.getLogger("ray")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(max(before, logging.ERROR))


def _why(error: Exception) -> str:
    """Why a worker is gone, in a few words."""
    from ray import exceptions

    if isinstance(error, exceptions.OutOfMemoryError):
        return "its machine ran out of memory"
    return "its machine is gone" if isinstance(error, exceptions.NodeDiedError) else "its process ended"


def _first(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
