"""What was measured, as JSON: one file a run of the benchmark, rewritten after every measurement so that a stop loses nothing."""

import json
import os
import platform
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

SKIPPED = 2  # steps that warm up
DISTURBING = 0.05

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Measurement:
    """One job in one library's one setting: one process.

    Attributes:
        key: digest of the job, so that a changed job is measured again.
        seconds: wall time of each step, from the end of the one before, logging included; the first from the start of training.
        tokens: mean number of tokens that a step reads and writes, prompts counted once per completion as a user would count them.
        operations: needed arithmetic of a step on average.
        memory: peak resident MB above the idle process; ``helpers``: of further processes, not in it.
        idle: resident MB of the process with everything imported and the model built.
        others: share of the machine's processor time that other processes took meanwhile.
        failed: why there is no measurement; "" where there is one.
    """

    job: str
    key: str
    side: str
    setting: str
    seconds: tuple[float, ...] = ()
    tokens: float = 0.0
    operations: float = 0.0
    memory: float = 0.0
    helpers: float = 0.0
    idle: float = 0.0
    others: float = 0.0
    failed: str = ""

    @property
    def what(self) -> tuple[str, str, str]:
        """What was measured: two measurements of the same replace each other."""
        return self.key, self.side, self.setting

    @property
    def steady(self) -> tuple[float, ...]:
        """Steps after the first two."""
        return self.seconds[SKIPPED:]

    @property
    def disturbed(self) -> bool:
        """Whether other processes took enough to slow it down; threads that wait for one that was put aside lose far more than its share."""
        return self.others > DISTURBING

    @property
    def step(self) -> float:
        """Median seconds of a step."""
        return median(self.steady)


@dataclass
class Results:
    """A run of the benchmark.

    Attributes:
        machine: what it ran on, without its name.
        rates: measured matrix products per second, by the name of a model's size and by precision.
        tests: what became of the tests that were run before.
        ways: how sequences can attend, by the name of a model's size and by kind: seconds of each way, and which is taken.
        profiles: where the time of one step goes, by the name of the job.
        unmeasured: why, by the name of what there was no time or no package for.
    """

    machine: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, dict[str, float]] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    tests: dict[str, Any] = field(default_factory=dict)
    ways: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)

    def find(self, key: str, library: str, setting: str) -> Measurement | None:
        """The measurement of the job with that digest, whatever its name: a job that several tables show is measured once."""
        return next((m for m in self.measurements if m.what == (key, library, setting)), None)

    def put(self, measurement: Measurement) -> None:
        """Keep a measurement in the place of an earlier one of the same."""
        self.measurements = [m for m in self.measurements if m.what != measurement.what] + [measurement]

    def save(self, path: Path) -> None:
        """Whole under a temporary name, then renamed."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(self.dumps())
        os.replace(draft, path)

    def dumps(self) -> str:
        measured = map(asdict, self.measurements)
        more = {"tests": self.tests, "ways": self.ways, "profiles": self.profiles, "unmeasured": self.unmeasured}
        head = json.dumps({"machine": self.machine, "rates": self.rates} | {k: v for k, v in more.items() if v}, indent=1)[:-2]
        return head + ',\n "measurements": [\n  ' + ",\n  ".join(map(json.dumps, measured)) + "\n ]\n}\n"

    @classmethod
    def loads(cls, text: str) -> "Results":
        read = json.loads(text)
        measurements = [Measurement(**{**m, "seconds": tuple(m["seconds"])}) for m in read["measurements"]]
        return cls(read.pop("machine"), read.pop("rates"), measurements, **{k: v for k, v in read.items() if k != "measurements"})

    @classmethod
    def load(cls, path: Path) -> "Results":
        return cls.loads(path.read_text()) if path.exists() else cls()


def machine(device: str = "cpu") -> dict[str, Any]:
    """Processor, memory and versions."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, Any] = {}
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    name = re.search(r"model name\s*:\s*(.*)", text)
    found["processor"] = name.group(1) if name else platform.machine()
    family = re.search(r"cpu family\s*:\s*(\d+)", text), re.search(r"model\s*:\s*(\d+)", text)
    if all(family):
        found["processor"] += f" (family {family[0].group(1)}, model {family[1].group(1)})"
    flags = re.search(r"flags\s*:\s*(.*)", text)
    found["bfloat16"] = [f for f in ("avx512_bf16", "amx_bf16", "bf16") if flags and f in flags.group(1).split()]
    found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    total = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text()) if Path("/proc/meminfo").exists() else None
    if total:
        found["memory_gb"] = round(int(total.group(1)) / 2**20)
    if device != "cpu":
        import torch

        found["gpu"] = torch.cuda.get_device_name()
    found["python"] = platform.python_version()
    for package in ("torch", "transformers", "trl", "peft"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
