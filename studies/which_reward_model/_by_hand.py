"""By hand: of two hundred solutions of the prompts that are learned from, the first line that is wrong, as two of us read them.

    by_hand.json    {digest of question and solution: the place of the first wrong line, or -1 where none is}

A line is wrong where what it states or computes is false or does not follow, or where the solution cannot be right if it goes on from there; one whose number is right and
rightly used is right, whatever it calls it. Of 192 both said the same; for the other eight a third reading decided. Lines from the first wrong one on are labelled wrong.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from guerdon.tasks import _files

LABELS = Path(__file__).with_name("by_hand.json")


def digest(question: str, solution: str) -> str:
    return hashlib.sha256(f"{question}\n{solution}".encode()).hexdigest()[:16]


def read_by_hand(solutions: Path) -> list[dict[str, Any]]:
    """The rows of a file of solutions that were read, with their lines and a label for each."""
    first_wrong = json.loads(LABELS.read_text())
    found = {}
    for row in _files.read(solutions):
        name = digest(row["question"], row["solution"])
        if name in first_wrong:
            lines = [line for line in row["solution"].splitlines() if line.strip()]
            right = len(lines) if first_wrong[name] < 0 else first_wrong[name]
            labels = [i < right for i in range(len(lines))]
            found[name] = {"prompt": row["question"] + "\n", "completions": lines, "labels": labels, "is_correct": bool(row["is_correct"])}
    return list(found.values())
