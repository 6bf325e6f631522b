"""``make explore``: the property tests with examples that are drawn anew, round after round, for as long as it is told.

What fails is printed with the line that makes a test of it (``@example(...)``, to be put above the test), kept in ``.hypothesis/found.txt``, and tried
again first in the next round, until it passes.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOUND = Path(".hypothesis") / "found.txt"
_FALSIFYING = re.compile(r"(?:Falsifying example|Failing test case): \w+\((?P<arguments>.*?)\n\s*\)$", re.DOTALL | re.MULTILINE)
_BLOB = re.compile(r"@reproduce_failure\(.*\)")


@dataclass(frozen=True)
class Failure:
    """A test, the example on which it fails as a line to be put above it, and what it said."""

    test: str
    line: str
    said: str


def main(arguments: list[str] | None = None) -> int:
    """Explore and return the exit code: 1 where something was found."""
    parser = argparse.ArgumentParser(prog="make explore", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long; a round that has begun is finished (default: 10)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("tests", nargs="*", default=["tests"], help="files or folders of tests (default: tests)")
    asked = parser.parse_args(arguments)
    end, rounds, found = time.monotonic() + 60 * asked.minutes, 0, {}
    while rounds == 0 or time.monotonic() < end:
        rounds += 1
        for failure in explore(asked.tests, asked.jobs):
            if (failure.test, failure.line) not in found:
                found[failure.test, failure.line] = failure
                keep(failure)
        print(f"round {rounds}: {len(found)} found so far", flush=True)
    return 1 if found else 0


def explore(tests: list[str], jobs: int) -> Iterator[Failure]:
    """One round."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        spread = ["-n", str(jobs)] if jobs > 1 else []
        options = ["-m", "hypothesis", "--hypothesis-profile=explore", "-p", "no:cacheprovider", f"--junitxml={results}", "--timeout=3000"]
        done = subprocess.run([sys.executable, "-m", "pytest", *options, *spread, *tests], stdout=subprocess.PIPE, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"the tests could not be run:\n{done.stdout[-4000:]}")
        yield from failures(results.read_text())


def failures(results: str) -> Iterator[Failure]:
    """What failed, read from JUnit's XML."""
    for case in ElementTree.fromstring(results).iter("testcase"):
        for outcome in (*case.findall("failure"), *case.findall("error")):
            said = outcome.text or ""
            yield Failure(f"{case.get('classname')}::{case.get('name')}", line_of(said), said)


def line_of(said: str) -> str:
    """``@example(...)`` with the arguments that Hypothesis found; where they cannot be written down (what was drawn inside of the test), its blob."""
    found, blob = _FALSIFYING.search(re.sub(r"^E {3}", "", said, flags=re.MULTILINE)), _BLOB.search(said)
    if found is None or "data=data(" in found["arguments"]:
        return blob[0] if blob else ""
    arguments = re.sub(r" *# or any other generated value", "", found["arguments"])
    return f"@example({' '.join(part.strip() for part in arguments.splitlines()).strip().rstrip(',')})"


def keep(failure: Failure) -> None:
    """Print a failure and write it down."""
    print(f"\n{failure.test}\n    {failure.line}\n{failure.said.strip()}\n", flush=True)
    FOUND.parent.mkdir(exist_ok=True)
    with FOUND.open("a") as file:
        file.write(f"{failure.test}\n    {failure.line}\n\n")


if __name__ == "__main__":
    sys.exit(main())
