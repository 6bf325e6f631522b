"""Answers: prompts with answers of which some are right, from files of comparisons or of solutions, and which are learned from, chosen on and tested on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from guerdon.feedback.text import whole_text
from guerdon.randomness import derive
from guerdon.tasks import _files

SHARES = {"test": 0.25, "validation": 0.2}  # of prompts; what is left is learned from
SEED = 0


@dataclass(frozen=True)
class Asked:
    """A prompt with its answers, and which of them are right."""

    prompt: Any
    answers: tuple[Any, ...]
    right: tuple[bool, ...]

    def pairs(self) -> list[dict[str, Any]]:
        """Every right answer with every wrong one."""
        both = [
            (a, b)
            for a, good in zip(self.answers, self.right, strict=True)
            if good
            for b, bad in zip(self.answers, self.right, strict=True)
            if not bad
        ]
        return [{"prompt": self.prompt, "chosen": a, "rejected": b} for a, b in both]


@dataclass(frozen=True)
class Answers:
    """``parts``: name → prompts with their answers; ``fours``: of the test part, prompts with four answers of which one or more are right; ``says``: what these four are."""

    parts: Mapping[str, list[Asked]]
    fours: list[Asked]
    says: str

    def pairs(self, part: str) -> list[dict[str, Any]]:
        return [pair for asked in self.parts[part] for pair in asked.pairs()]


def of_comparisons(path: Path, longest: int) -> Answers:
    """From rows with ``prompt``, ``chosen``, ``rejected``, those of at most so many characters in all; the four of a prompt are its two and the rejected ones of the next two."""
    rows = [row for row in _files.read(path) if sum(len(whole_text(row[name])) for name in ("prompt", "chosen", "rejected")) <= longest]
    parts = _split([Asked(row["prompt"], (row["chosen"], row["rejected"]), (True, False)) for row in rows])
    test = parts["test"]
    fours = [
        Asked(
            one.prompt,
            (*one.answers, test[(i + 1) % len(test)].answers[1], test[(i + 2) % len(test)].answers[1]),
            (True, False, False, False),
        )
        for i, one in enumerate(test)
    ]
    return Answers(parts, fours, "the two answers and two rejected ones to other prompts")


def of_solutions(path: Path, longest: int) -> Answers:
    """From rows with ``question``, ``solution`` and ``is_correct``: the solutions of at most so many characters."""
    by: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for row in _files.read(path):
        if len(row["question"]) + len(row["solution"]) <= longest:
            by[row["question"]].append((row["solution"], bool(row["is_correct"])))
    parts = _split([Asked(question + "\n", *zip(*found, strict=True)) for question, found in by.items()])
    fours = [one for one in parts["test"] if len(one.answers) == 4 and any(one.right) and not all(one.right)]
    return Answers(parts, fours, "the solutions of four models, where some are right and some wrong")


def _split(asked: Sequence[Asked]) -> dict[str, list[Asked]]:
    """No prompt is in two parts; which it is in, its text says."""
    parts: dict[str, list[Asked]] = {name: [] for name in (*SHARES, "train")}
    for one in sorted(asked, key=lambda one: derive(SEED, "order", repr(one.prompt))):
        place = derive(SEED, "part", repr(one.prompt)) / 2**63
        name = next((name for name, upper in zip(SHARES, accumulate(SHARES.values()), strict=True) if place < upper), "train")
        parts[name].append(one)
    return parts
