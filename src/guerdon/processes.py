"""Processes: one run on several. Each holds all rows and goes through the same steps; what takes time is shared out, and what was found is told to all.

    drawing, judging, measuring, gradients      each process those of its own rows, then everybody knows the result
    everything else                             on every process, from the same numbers

So nothing that is computed depends on how many there are: a gradient is a sum over rows whose weights are those of the whole batch, a metric a sum and a
count, and a sequence is drawn from random numbers of its own.

Source: ours, over ``torch.distributed``.
"""

import contextlib
import datetime
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError, RunFailed

PARENT = "GUERDON_PARENT"  # the variable that names the process that started the others, without which they are to end
ALIKE = 2.0  # seconds that a process which ends waits to hear whether the others end with the same sentence
LETTING_GO = 0.2  # seconds in which a thread of gloo may drop the tensors of the last message: one that does so while Python ends is killed, and the process with it
WAITS = "GUERDON_PATIENCE"  # the variable that says how many seconds a process waits for the others: the slowest share of a step, a judge, or the writing of a checkpoint
PATIENCE = 600.0  # where it says nothing
LOST = (
    "gloo",
    "nccl",
    "connection closed by peer",
    "timed out waiting",
)  # words by which torch speaks of other processes, in errors that have no class of their own


class Processes:
    """Those that a run is on, and which of them this one is.

    Attributes:
        rank: of this process, from 0.
        count: of all.
    """

    def __init__(self, rank: int = 0, count: int = 1):
        self.rank, self.count = rank, count

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and speaks."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    def own(self, costs: Sequence[float]) -> list[int]:
        """Which of the pieces, of such cost, are this process's: the dearest first, each to whoever has least so far."""
        if not self.several:
            return list(range(len(costs)))
        load, taken = [0.0] * self.count, []
        for piece in sorted(range(len(costs)), key=lambda i: -costs[i]):
            least = load.index(min(load))
            load[least] += costs[piece]
            if least == self.rank:
                taken.append(piece)
        return sorted(taken)

    def each(self, work: Callable[[], Any], what: str = "") -> list[Any]:
        """What ``work`` gave on every process, in their order. What it raised on one is raised on all.

        Args:
            what: it is, so that processes that have gone different ways notice it.

        Raises:
            RunFailed: a process is gone, does another thing, or did something unexpected, which it says itself.
        """
        if not self.several:
            return [work()]
        found, raised = None, None
        try:
            found = work()
        except (InputError, RunFailed) as error:
            raised = error
        except Exception as error:
            self._tell((what, None, RunFailed(f"process {self.rank} of {self.count} cannot go on: {type(error).__name__}: {error}")))
            raise
        told = self._tell((what, found, raised))
        for rank, (_, _, error) in enumerate(told):
            if error is not None:
                raise _by(error, raised if rank == self.rank else None)
        if len(ways := {way for way, _, _ in told}) > 1:
            raise RunFailed(
                f"the processes have gone different ways ({'; '.join(sorted(ways))}); are all of them the same version, with the same files?"
            )
        return [each for _, each, _ in told]

    def from_first(self, work: Callable[[], Any], what: str = "") -> Any:
        """What ``work`` gave on the first process, on all; for what may be done once only, or is done by chance."""
        return self.each(work if self.first else lambda: None, what)[0]

    def at_once(self, work: Callable[[], Any], what: str = "") -> Any:
        """What ``work`` gave here, once it has gone well on every process."""
        found: list[Any] = []
        self.each(lambda: found.append(work()), what)
        return found[0]

    def any(self, here: bool) -> bool:
        """Whether it is so on any process."""
        return any(self.each(lambda: here))

    def total(self, tensors: Iterable[Tensor]) -> None:
        """Let each tensor be its sum over the processes; all of a kind go in one message."""
        if not self.several:
            return
        kinds: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
        for tensor in tensors:
            kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor)
        for alike in kinds.values():
            flat = torch.cat([tensor.reshape(-1) for tensor in alike])
            with _told(self):
                torch.distributed.all_reduce(flat)
            for tensor, summed in zip(alike, flat.split([tensor.numel() for tensor in alike]), strict=True):
                tensor.copy_(summed.view_as(tensor))

    def _tell(self, what: Any) -> list[Any]:
        told: list[Any] = [None] * self.count
        with _told(self):
            torch.distributed.all_gather_object(told, what)
        return told


def _by(error: Exception, own: Exception | None) -> Exception:
    """The error as it is to be raised here: one that all know of is said once, by the first process."""
    error = error if own is None else own
    error.told = True
    return error


def here() -> Processes:
    """The processes that this one belongs to."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return ALONE
    return Processes(distributed.get_rank(), distributed.get_world_size())


ALONE = Processes()


@contextlib.contextmanager
def joined(patience: float | None = None) -> Iterator[Processes]:
    """Within, this process belongs to those that ``torchrun``, ``accelerate launch`` or ``processes:`` started beside it; alone where nobody did.

    Args:
        patience: seconds that it waits for the others; None: ``GUERDON_PATIENCE``, or ten minutes.

    Raises:
        InputError: the others cannot be reached, or there is nothing to reach them by.
        RunFailed: one of them is gone, or is late.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count < 2 or here().several:
        yield here()
        return
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise InputError(
            f"WORLD_SIZE is {count} and {', '.join(missing)} is not set, so that the other processes cannot be found; start with torchrun, with accelerate launch, "
            "or with processes: in the configuration"
        )
    if not torch.distributed.is_available():
        raise InputError(
            "this build of torch knows no other processes (torch.distributed is missing); install another, or run on one process"
        )
    patience = _patience() if patience is None else patience
    backend = _backend()
    where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    try:
        torch.distributed.init_process_group(backend, timeout=datetime.timedelta(seconds=patience))
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(
            f"process {os.environ['RANK']} of {count} could not join the others at {where} ({_first_line(error)}); is the port free, and does every machine reach "
            "the first one?"
        ) from error
    _end_with_parent()
    try:
        yield here()
    except Exception as error:
        if isinstance(error, RuntimeError) and any(word in str(error).lower() for word in LOST):
            raise _lost(here(), error) from error
        if not getattr(error, "told", False):
            error.told = _said_by_first(here(), f"{type(error).__name__}: {error}")
        raise
    finally:
        torch.distributed.destroy_process_group()
        time.sleep(LETTING_GO)


def _said_by_first(processes: Processes, sentence: str) -> bool:
    """Whether the first process ends with this very sentence too, as it does when all found the same: a wrong row, a reward that fails too often.

    Not by a collective, in one of which the others may be still. The first one, which keeps what is posted, leaves when all have read it, or have not come.
    """
    store = torch.distributed.distributed_c10d._get_default_store()
    patience = datetime.timedelta(seconds=ALIKE)
    keys = [f"guerdon/ended/{rank}" for rank in range(processes.count)]
    try:
        if processes.first:
            store.set(keys[0], sentence)
            store.wait(keys[1:], patience)
            return True
        store.wait(keys[:1], patience)
        same = store.get(keys[0]).decode() == sentence
        store.set(keys[processes.rank], sentence)
        return same
    except RuntimeError:  # late, or gone
        return False


def _end_with_parent() -> None:
    """Let this process not outlive the one that started it, however that ended."""
    parent = int(os.environ.get(PARENT, "0"))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    if parent:
        threading.Thread(target=watch, daemon=True, name="guerdon-parent").start()


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def _backend() -> str:
    """Collectives over the network for what lies in memory, and the cards' own for what lies on them.

    Raises:
        InputError: this build of torch has none, or there is no card for this process.
    """
    if not torch.distributed.is_gloo_available():
        raise InputError("this build of torch has no collectives over the network (gloo); install another, or run on one process")
    if not torch.cuda.is_available():
        return "gloo"
    place, cards = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if place >= cards:
        raise InputError(
            f"there are more processes on this machine than its {cards} cards; start {cards}, or set CUDA_VISIBLE_DEVICES to nothing to compute without them"
        )
    torch.cuda.set_device(place)
    return "cpu:gloo,cuda:nccl"


@contextlib.contextmanager
def _told(processes: Processes) -> Iterator[None]:
    """What the collectives say of a process that is gone, or late, as a sentence."""
    try:
        yield
    except RuntimeError as error:
        raise _lost(processes, error) from error


def _lost(processes: Processes, error: RuntimeError) -> RunFailed:
    said = str(error).lower()
    if "timeout" in said or "timed out" in said:
        why = f"did not answer within {_waited():.0f} s; where it had that much to do, let them wait longer ({WAITS}=3600, in seconds)"
    else:
        why = "is gone" if "connection" in said or "peer" in said else f"cannot be reached ({_first_line(error)})"
    return RunFailed(
        f"process {processes.rank} of {processes.count} stopped, because another one {why}; the same command goes on from the last checkpoint"
    )


def _patience() -> float:
    """Seconds that the processes wait for each other.

    Raises:
        InputError: what was said is no number of seconds.
    """
    said = os.environ.get(WAITS, "")
    try:
        seconds = float(said or PATIENCE)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise InputError(f"{WAITS}: it is {said!r}, and a number of seconds is expected")
    return seconds


def _waited() -> float:
    """Seconds that the processes of this group wait for each other, as they were told."""
    return torch.distributed.distributed_c10d._get_default_store().timeout.total_seconds()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]
