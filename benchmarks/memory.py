"""Peak memory of this process above what it held when the job began."""

import contextlib
import os
import re
import threading
import time
from pathlib import Path

MB = 2**20


class Peak:
    """A context manager: ``idle`` and, after marks and looks, ``above`` and ``helpers``, in MB.

    The kernel's own mark of the highest resident size is reset at the start; where that is not permitted, the size is read every few
    milliseconds. On a GPU it is the allocator's peak instead, the model included: when it goes there depends on the library. ``helpers``: what
    processes started meanwhile hold in proportion (shared pages divided among those who share them).
    """

    def __init__(self, cuda: bool = False):
        self.cuda, self.idle, self.above, self.helpers = cuda, 0.0, 0.0, 0.0

    def __enter__(self) -> "Peak":
        if self.cuda:
            import torch

            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            self.idle = torch.cuda.memory_allocated() / MB
            return self
        self.idle = status("VmRSS")
        self._highest, self._stop = self.idle, threading.Event()
        try:
            Path("/proc/self/clear_refs").write_text("5")
            self._watcher = None
        except OSError:
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return self

    def _watch(self) -> None:
        while not self._stop.is_set():
            self._highest = max(self._highest, status("VmRSS"))
            time.sleep(0.005)

    def look(self) -> None:
        """Count the helper processes as they are now."""
        self.helpers = max(self.helpers, sum(map(proportional, children())))

    def mark(self) -> None:
        """The peak so far; called after every step, so that what comes after the last one (a checkpoint) is left out."""
        if self.cuda:
            import torch

            self.above = torch.cuda.max_memory_allocated() / MB
        else:
            self.above = (self._highest if self._watcher else status("VmHWM")) - self.idle

    def __exit__(self, *_: object) -> None:
        if not self.cuda:
            self._stop.set()


def status(name: str) -> float:
    """A size from /proc/self/status, in MB."""
    return int(re.search(rf"{name}:\s*(\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024


def children() -> list[int]:
    """Processes started by this one and by those."""
    found: list[int] = []
    for thread in Path(f"/proc/{os.getpid()}/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (thread / "children").read_text().split())
    return found


def proportional(process: int) -> float:
    """Resident memory of a process in MB, its shared pages divided by who shares them."""
    with contextlib.suppress(OSError, AttributeError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s*(\d+)", text, re.M).group(1)) / 1024
    return 0.0
