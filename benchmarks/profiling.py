"""Where the time of one step goes: a trace of torch's profiler, and what is read out of it."""

import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.outcome import Clock

CARD = ("kernel", "gpu_memcpy", "gpu_memset")
CALLS = ("cuda_runtime", "cuda_driver")
WAITS = ("cudaStreamSynchronize", "cudaEventSynchronize", "cudaMemcpy")  # the profiler itself waits for the device as a whole
MOST = 15
WIDTH = 70  # letters of an operation's name


class ProfilingClock(Clock):
    """A clock that traces the last of so many steps: on a GPU what runs there and what it is asked by, on a CPU its operations."""

    def __init__(self, steps: int, device: str) -> None:
        super().__init__()
        self.steps, self.device, self.found = steps, device, dict[str, Any]()

    def tick(self) -> None:
        super().tick()
        done = len(self.seconds)
        if done == 1:  # the first trace of a process takes a second to set up
            with self._profiler():
                pass
        if done == self.steps - 1:
            self._wait()
            self._trace = self._profiler()
            self._trace.start()
            self._begun = time.perf_counter()
        elif done == self.steps:
            self._wait()
            seconds = time.perf_counter() - self._begun
            self._trace.stop()
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "trace.json"
                self._trace.export_chrome_trace(str(path))
                self.found = summary(json.loads(path.read_text())["traceEvents"], seconds)

    def _profiler(self) -> Any:
        from torch.profiler import ProfilerActivity, profile

        return profile(activities=[ProfilerActivity.CPU if self.device == "cpu" else ProfilerActivity.CUDA])

    def _wait(self) -> None:
        if self.device != "cpu":
            import torch

            torch.cuda.synchronize()


def summary(events: Iterable[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
    """Of a step that took so many seconds: the share in which the device was busy, how often the host launched something and how often it
    waited, and the operations that took most of the device's time, with their shares of it."""
    timed = [e for e in events if e.get("ph") == "X" and "dur" in e]
    calls = Counter(e["name"] for e in timed if e.get("cat") in CALLS)
    ran = [e for e in timed if e.get("cat") in CARD] or [e for e in timed if e.get("cat") == "cpu_op"]
    own = own_times(ran)
    whole = sum(own.values()) or 1.0
    return {
        "seconds": seconds,
        "busy": covered([(e["ts"], e["ts"] + e["dur"]) for e in ran]) / 1e6 / seconds,
        "launches": sum(n for name, n in calls.items() if "Launch" in name),
        "waits": sum(n for name, n in calls.items() if name in WAITS),
        "operations": [(name, taken / whole) for name, taken in own.most_common(MOST)],
    }


def own_times(events: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Microseconds by name, what an operation spends within others of its thread or stream left out."""
    lanes = defaultdict(list)
    for e in events:
        lanes[e["pid"], e["tid"]].append(e)
    own: Counter[str] = Counter()
    for lane in lanes.values():
        above: list[tuple[float, str]] = []  # ends and names of what is going on
        for e in sorted(lane, key=lambda e: (e["ts"], -e["dur"])):
            while above and above[-1][0] <= e["ts"]:
                above.pop()
            name = e["name"].removeprefix("void ")[:WIDTH]
            own[name] += e["dur"]
            if above:
                own[above[-1][1]] -= e["dur"]
            above.append((e["ts"] + e["dur"], name))
    return own


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """Length of the union."""
    length, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        length += max(end - max(begin, until), 0.0)
        until = max(until, end)
    return length
