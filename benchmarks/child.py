"""One measurement, in a process of its own: memory is fresh, and the environment is the setting's.

    python -m benchmarks.child JOB LIBRARY SETTING STEPS DEVICE FOLDER OUTPUT

What the library says goes to stderr; OUTPUT gets the measurement, with the library "rate" the machine's rate at the job's model, with
"ways" how its sequences can attend, with "profile" where the last step's time went in ours.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.models import folder_of
from benchmarks.outcome import Outcome
from benchmarks.results import SKIPPED, Measurement
from benchmarks.rows import rows as rows_of
from benchmarks.rows import write
from benchmarks.settings import SETTINGS
from benchmarks.workloads import Job, every
from guerdon.costs import arithmetic


def measure(job: Job, library: str, setting: str, steps: int, device: str, folder: Path) -> Measurement:
    """Run the job and count what it needed."""
    if library == "ours":
        from benchmarks.ours import run
    elif job.kind == "sampling":
        from benchmarks.with_generate import run
    else:
        from benchmarks.with_trl import run
    out = carried_out(run, job, library, setting, steps, device, folder)
    tokens, operations = needed(job, shape_of(folder_of(job.size, folder / "models"), job), out, steps)
    return Measurement(job.name, job.key, library, setting, tuple(out.seconds), tokens, operations, out.memory, out.helpers, out.idle)


def carried_out(
    run: Callable[..., Outcome], job: Job, library: str, setting: str, steps: int, device: str, folder: Path, **more: Any
) -> Outcome:
    """What a library's ``run`` makes of a job on files that are made where they are not there."""
    way = next(s for s in SETTINGS[library] if s.name == setting)
    os.environ.update(way.switches)  # a process that was forked has the environment of the one that it comes from
    model, rows = folder_of(job.size, folder / "models", device), write(job, steps, folder / "rows")
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    out = run(job, way, model, rows, work, steps, device, **more)
    shutil.rmtree(work, ignore_errors=True)
    return out


def profile(job: Job, setting: str, steps: int, device: str, folder: Path) -> dict[str, Any]:
    """Where the time of our last step goes."""
    from benchmarks.ours import run
    from benchmarks.profiling import ProfilingClock

    clock = ProfilingClock(steps, device)
    carried_out(run, job, "ours", setting, steps, device, folder, clock=clock)
    return clock.found


def shape_of(model: Path, job: Job) -> arithmetic.Shape:
    from transformers import AutoConfig

    return arithmetic.Shape.of(AutoConfig.from_pretrained(model), job.size.lora)


def needed(job: Job, shape: arithmetic.Shape, out: Outcome, steps: int) -> tuple[float, float]:
    """Mean tokens and operations of a step: from what was sampled in the steps that count, or from all of the data."""
    if job.kind in ("grpo", "sampling"):
        lengths = out.lengths[SKIPPED * job.rows * job.group :]
        groups = [lengths[i : i + job.group] for i in range(0, len(lengths), job.group)]
        work = arithmetic.total(arithmetic.group(job.prompt, g) for g in groups)
        return sum(job.prompt + n for n in lengths) / (steps - SKIPPED), shape.step(job.kind, work) / (steps - SKIPPED)
    made = rows_of(job, steps)
    if job.kind == "sft":
        lengths = [length(row["text"]) for row in made]
        return sum(lengths) / steps, shape.step("sft", arithmetic.total(map(arithmetic.text, lengths))) / steps
    count = arithmetic.scored_group if job.kind == "reward" else arithmetic.group
    pairs = [[length(row["chosen"]), length(row["rejected"])] for row in made]
    work = arithmetic.total(count(job.prompt, pair) for pair in pairs)
    return sum(2 * job.prompt + sum(pair) for pair in pairs) / steps, shape.step(job.kind, work) / steps


def length(text: str) -> int:
    """Tokens of a text with its end: every word of the synthetic data is one."""
    return len(text.split()) + 1


def main(arguments: list[str]) -> None:
    name, library, setting, steps, device, folder, output = arguments
    job, given = every()[name], Path(folder)
    result: Any
    if library == "rate":
        from benchmarks.rate import measured

        result = measured(shape_of(folder_of(job.size, given / "models", device), job), device)
    elif library == "ways":
        from benchmarks.ways import measured as ways

        result = ways(shape_of(folder_of(job.size, given / "models", device), job), device)
    elif library == "profile":
        result = profile(job, setting, int(steps), device, given)
    else:
        result = asdict(measure(job, library, setting, int(steps), device, given))
    Path(output).write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
