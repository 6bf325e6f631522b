"""The tests that need a GPU, run before anything is timed: what is fast and wrong is of no use."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.apart import missing

ROOT = Path(__file__).parents[1]
FIRST = "tests/test_gpu_learner.py"  # what is newest, in case the time is up before all have been run
TESTS = sorted((str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("test_gpu*.py")), key=lambda name: (name != FIRST, name))
NEEDED = ("pytest", "hypothesis")
LINE = re.compile(r"^(tests/\S.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL)\b")
REASON = re.compile(r"^(?:FAILED|ERROR) (tests/.*?)(?: - (.*))?$")


def run(log: Path, limit: float) -> dict[str, Any]:
    """How many passed, failed and were skipped, and which failed why; where the limit came first, of those that were run by then."""
    if lacking := missing(NEEDED):
        return {"left_out": f"the tests were left out: {' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not installed here"}
    command = [sys.executable, "-m", "pytest", "-v", "-rfE", "-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", *TESTS]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=said, stderr=said, start_new_session=True, env={**os.environ, "COLUMNS": "300"}
        )
        try:
            code = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    text = log.read_text(errors="replace")
    found = read(text)
    if code is None:
        found["left_out"] = f"stopped after {limit:.0f} s"
    elif code not in (0, 1):
        found["left_out"] = f"pytest gave up: {text.strip().splitlines()[-1][:200] if text.strip() else f'exit code {code}'}"
    return found


def read(text: str) -> dict[str, Any]:
    """Counts and failures from what ``pytest -v -rfE`` writes."""
    lines = [m.groups() for line in text.splitlines() if (m := LINE.match(line))]
    reasons = {m[1]: m[2] or "" for line in text.splitlines() if (m := REASON.match(line))}
    counts = Counter(outcome for _, outcome in lines)
    failed = {name: reasons.get(name, "") for name, outcome in lines if outcome in ("FAILED", "ERROR")} | reasons
    return {"passed": counts["PASSED"], "skipped": counts["SKIPPED"], "failed": failed}


def told(found: dict[str, Any]) -> str:
    """In a sentence, and a line for each failure."""
    lines = (
        [f"{found['passed']} tests passed, {len(found['failed'])} failed, {found['skipped']} were skipped."] if "passed" in found else []
    )
    lines += [f"{found['left_out'][0].upper()}{found['left_out'][1:]}."] if found.get("left_out") else []
    return "\n\n".join(lines) + "\n" + "".join(f"\n* `{name}`: {reason}" for name, reason in found.get("failed", {}).items()) + "\n"
