"""The command: measure what is not measured yet, print the tables, write them."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import page, tables
from benchmarks.apart import why
from benchmarks.busy import Others
from benchmarks.results import FOLDER, Measurement, Results, machine
from benchmarks.settings import Setting, applicable
from benchmarks.workloads import HEADLINE, Job, chosen

WORK = Path(__file__).parents[1] / "runs" / "benchmarks"
PATIENCE = 1200  # seconds that one measurement may take


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time the same jobs here and in TRL. What was measured is kept: the same command goes on where it was stopped.",
        epilog="Example: python -m benchmarks --jobs dpo,grpo-long --steps 6 --only ours. Then: python -m benchmarks report",
    )
    parser.add_argument("do", nargs="?", default="run", choices=["run", "report"], help="run (the default), or write docs/performance.md")
    parser.add_argument("--jobs", default="all,growth", help="names with commas between; all: the first table; growth: the second")
    parser.add_argument("--only", choices=["ours", "trl"], help="one side")
    parser.add_argument("--settings", help="names with semicolons between, as 'shipped;bf16, allocator'; see --list")
    parser.add_argument("--steps", type=int, default=8, help="steps of each job; the first two are not counted (default 8)")
    parser.add_argument(
        "--thorough", action="store_true", help="also the settings that are rarely the best: checkpointing, more micro-batches"
    )
    parser.add_argument(
        "--again",
        nargs="?",
        const="all",
        choices=["all", "disturbed"],
        help="measure anew what was measured, or only where other processes took part of the machine",
    )
    parser.add_argument("--name", default="cpu", help="of the file in benchmarks/results; another name is another run (default cpu)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--list", action="store_true", help="list jobs and settings")
    return parser


def main() -> int:
    asked = arguments().parse_args()
    if asked.do == "report":
        return report()
    try:
        jobs = chosen(asked.jobs)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if asked.steps < 3:
        print("--steps must be at least 3: the first two are not counted", file=sys.stderr)
        return 2
    plan = planned(jobs, asked)
    if asked.list:
        for job, library, setting in plan:
            print(f"{job.name:20} {library:5} {setting.name}")
        return 0
    path = FOLDER / f"{asked.name}.json"
    results = Results.load(path)
    results.machine = machine(asked.device)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the process that measures is ended too
    try:
        carry_out(plan, results, path, asked)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
    print(shown([results], jobs))
    path.with_suffix(".md").write_text(shown([results], jobs))
    return 0


def planned(jobs: list[Job], asked: argparse.Namespace) -> list[tuple[Job, str, Setting]]:
    """What is to be measured, a job's libraries next to each other in time. In the second table TRL has its bf16 and ours is as shipped."""
    wanted = asked.settings.split(";") if asked.settings else None
    plan = []
    for job in jobs:
        for library in ("ours", "trl"):
            for setting in applicable(library, job.kind, asked.thorough or bool(wanted)):
                short = job.axis and setting.name not in ("shipped", "bf16")
                if asked.only in (None, library) and (setting.name in wanted if wanted else not short):
                    plan.append((job, library, setting))
    return plan


def carry_out(plan: list[tuple[Job, str, Setting]], results: Results, path: Path, asked: argparse.Namespace) -> None:
    """Each in its process, one after the other."""
    fresh: set[tuple[str, str, str]] = set()
    rated = ""
    for i, (job, library, setting) in enumerate(plan):
        same = (job.key, library, setting.name)
        before = results.find(*same)
        known = before is not None and not before.failed
        if known and (same in fresh or asked.again is None or (asked.again == "disturbed" and not before.disturbed)):
            continue
        fresh.add(same)
        if rated != job.name:  # with every job, and the best is kept: it is what the machine can do
            rate, rated = child(job, "rate", setting, asked), job.name
            if isinstance(rate, dict):
                known_rates = results.rates.get(job.size.name, {})
                results.rates[job.size.name] = {k: max(v, known_rates.get(k, 0.0)) for k, v in rate.items()}
        print(f"{i + 1}/{len(plan)} {job.name}, {library}, {setting.name} ... ", end="", flush=True, file=sys.stderr)
        begun, others = time.perf_counter(), Others()
        found = child(job, library, setting, asked)
        if isinstance(found, str):
            measurement = Measurement(job.name, job.key, library, setting.name, failed=found)
        else:
            measurement = Measurement(**{**found, "seconds": tuple(found["seconds"]), "others": others.share()})
        results.put(measurement)
        results.save(path)
        told = measurement.failed or f"{measurement.step:.3g} s a step, {measurement.memory:.0f} MB"
        if measurement.disturbed:
            told += f"; disturbed: other processes took {measurement.others:.0%} of the machine"
        print(f"{told} ({time.perf_counter() - begun:.0f} s)", file=sys.stderr)


def child(job: Job, library: str, setting: Setting, asked: argparse.Namespace) -> dict | str:
    """What one process measured, or in a sentence why it did not."""
    WORK.mkdir(parents=True, exist_ok=True)
    log = WORK / f"{job.name}-{library}-{setting.name}.log".replace(" ", "_").replace(",", "").replace("=", "-")
    with tempfile.NamedTemporaryFile(suffix=".json") as output, log.open("w") as said:
        command = [sys.executable, "-m", "benchmarks.child", job.name, library, setting.name, str(asked.steps), asked.device]
        process = subprocess.Popen(
            [*command, str(WORK), output.name],
            env=setting.environment(library),
            cwd=Path(__file__).parents[1],
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=PATIENCE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as stopped:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(stopped, KeyboardInterrupt):
                raise
            return f"not done after {PATIENCE} s"
        if code:
            return why(log, code)
        return json.loads(Path(output.name).read_text())


def shown(runs: list[Results], jobs: list[Job]) -> str:
    """The tables for the terminal and the file beside the results."""
    pieces = [page.described(runs), tables.rates(runs), tables.side_by_side(runs), tables.reached(runs)]
    pieces += [tables.grown(runs), tables.everything(runs, list(dict.fromkeys([*HEADLINE, *jobs])))]
    return "\n".join(pieces)


def report() -> int:
    """Write the page from all runs."""
    runs = [Results.load(path) for path in sorted(FOLDER.glob("*.json"))]
    page.write(runs)
    print(f"{page.PAGE} shows {len(runs)} runs")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
