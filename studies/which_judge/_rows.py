"""Rows: pairs of answers to an instruction with whom an annotator preferred."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.tasks import _files


@dataclass(frozen=True)
class Pair:
    """``first``: whether the first answer was preferred. ``other``: who wrote the second."""

    instruction: str
    answers: tuple[str, str]
    first: bool
    other: str

    @property
    def longer(self) -> float:
        """By how much the first is longer, as the logarithm of the ratio of characters."""
        import math

        return math.log((len(self.answers[0]) + 1) / (len(self.answers[1]) + 1))


def read(path: Path) -> list[Pair]:
    """The pairs of a file or of all files of a folder; those on which the annotator was undecided are left out. Which answer comes first is drawn anew by the text, so that a place
    says nothing of who wrote it.

    Raises:
        InputError: a row lacks a column.
    """
    files = sorted(file for file in path.iterdir() if ".json" in file.name) if path.is_dir() else [path]
    out = []
    for file in files:
        for row in _files.read(file):
            if missing := [name for name in ("instruction", "output_1", "output_2", "preference") if name not in row]:
                raise InputError(f"{file}: a row has no column {missing[0]!r}")
            if row["preference"] is None or float(row["preference"]) == 0.5:
                continue
            turned = derive(0, "order", row["instruction"], row["output_2"]) % 2
            answers = (row["output_1"], row["output_2"])
            first = (float(row["preference"]) < 0.5) != bool(turned)
            out.append(Pair(row["instruction"], answers[::-1] if turned else answers, first, file.name.partition(".jsonl")[0]))
    return out


def sampled(pairs: Sequence[Pair], instructions: int, seed: int, every: bool) -> list[Pair]:
    """The pairs of some instructions: ``every`` one of them, or one of each."""
    by: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by[pair.instruction].append(pair)
    order = sorted(by, key=lambda text: derive(seed, "instruction", text))[:instructions]
    return [pair for text in order for pair in (by[text] if every else [by[text][derive(seed, "pair", text) % len(by[text])]])]
