"""RL on GSM8K, killed with kill -9 in the middle of a step and taken up again by the same command.

    python examples/gsm8k_kill_and_resume.py task.path=PATH/gsm8k/train.jsonl.gz task.test_path=PATH/gsm8k/test.jsonl.gz

Arguments are those of ``guerdon train examples/gsm8k_grpo.yaml``. Printed at the end, for every step: how far the log-probabilities that the sampler
recorded are from those that the learner computes.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from _measuring import Figures, in_a_sentence

from guerdon.interfaces.configuration import read
from guerdon.interfaces.preparing import run_folder
from guerdon.training.run import read_lines

CONFIGURATION = Path(__file__).with_name("gsm8k_grpo.yaml")
KILLED_AFTER = 2  # steps; then it is waited for a moment, so that the kill falls into the next one
GAP = "sampling/sampling_logp_difference/max"
BOUND = 1e-3


def main(overrides: list[str]) -> int:
    configuration = read(CONFIGURATION, overrides)
    folder = run_folder(configuration, CONFIGURATION)
    if (folder / "metrics.jsonl").exists():
        print(f"{folder} holds a run already; delete it or give another folder (run=...)", file=sys.stderr)
        return 2
    figures = Figures(folder)
    command = [sys.executable, "-m", "guerdon", "train", str(CONFIGURATION), *overrides]
    first = subprocess.Popen(command, start_new_session=True)
    while first.poll() is None and last_step(folder) < KILLED_AFTER:
        time.sleep(1.0)
    if first.poll() is not None:
        return first.returncode
    time.sleep(5.0)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    figures.say("killed with signal 9 after step", last_step(folder))
    again = subprocess.run(command, check=False)
    if again.returncode:
        return again.returncode

    rows = list(read_lines(folder / "metrics.jsonl"))
    steps = [row for row in rows if row["step"] > 0]
    if [row["step"] for row in steps] != list(range(1, configuration.budget.steps + 1)):
        print(f"steps {[row['step'] for row in steps]} are logged, and every one is expected once", file=sys.stderr)
        return 1
    for row in steps:
        shown = {name: row[name] for name in ("reward", "reward_std", "kl", "completions/mean_length", "step_time", GAP) if name in row}
        print(f"step {row['step']}: {json.dumps({name: float(f'{value:.3g}') for name, value in shown.items()})}")
    figures.say("steps", len(steps))
    figures.say("largest gap between sampler and learner", max(row[GAP] for row in steps))
    figures.say("completions", sum(1 for _ in read_lines(folder / "completions.jsonl")))
    figures.close()
    return 0 if all(row[GAP] < BOUND for row in steps) else 1


def last_step(folder: Path) -> int:
    """The last step that was logged so far."""
    return max((row["step"] for row in read_lines(folder / "metrics.jsonl")), default=-1)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("overrides", nargs="*", help="section.key=value, as for guerdon train")
    given = arguments.parse_args()
    with in_a_sentence():
        sys.exit(main(given.overrides))
