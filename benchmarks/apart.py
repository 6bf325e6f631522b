"""A measurement in a process that need not import anything: it is forked from one that has. Minutes on a card are few."""

import multiprocessing
import os
import signal
import tempfile
import traceback
from importlib.util import find_spec
from json import loads
from pathlib import Path
from typing import Any

TRL = ("trl", "datasets")
FIRST = 60  # seconds until something has been imported and the device has answered


def missing(names: tuple[str, ...]) -> list[str]:
    """Those packages that are not installed."""
    return [name for name in names if find_spec(name) is None]


def starter(device: str, log: Path, limit: float) -> Any:
    """The way to start processes: forked where the device can be used after that, and afresh where it cannot."""
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = (
        "1"  # who asks whether there is a GPU does not begin to use it: that would be lost by a fork
    )
    forked = multiprocessing.get_context("forkserver")
    forked.set_forkserver_preload(["benchmarks.ours", "benchmarks.with_generate"] + ["benchmarks.with_trl"] * (not missing(TRL)))
    try:
        answered = not isinstance(apart(forked, _answer, [device], log, min(limit, FIRST)), str)
    except (OSError, EOFError):
        answered = False
    return forked if answered else multiprocessing.get_context("spawn")


def _answer(arguments: list[str]) -> None:
    import torch

    device, output = arguments
    Path(output).write_text(str(float(torch.ones(64, 64, device=device).mm(torch.ones(64, 64, device=device)).sum())))


def apart(context: Any, what: Any, arguments: list[str], log: Path, limit: float) -> Any:
    """What ``what(arguments + [path])`` wrote to that path as JSON, or a sentence that says why it wrote nothing within the limit."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(suffix=".json") as output:
        process = context.Process(target=_alone, args=(what, [*arguments, output.name], str(log)))
        process.start()
        try:
            process.join(max(limit, 0))
        finally:
            late = process.is_alive()
            _end(process)
        if process.exitcode and not late:
            return why(log, process.exitcode)
        text = Path(output.name).read_text()
        return loads(text) if text else f"not done after {limit:.0f} s"


def _alone(what: Any, arguments: list[str], log: str) -> None:
    """In the process itself: it leads a group, so that what it starts ends with it."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        what(arguments)
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None


def _end(process: Any) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    process.join()


def why(log: Path, code: int) -> str:
    """Why a process failed, by the last line that it wrote."""
    last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    if last and "OutOfMemoryError" in last[-1]:
        return "out of memory"
    return f"failed: {last[-1][:200] if last else f'exit code {code}'}"
