"""Rows of text from a seed: both libraries read the same file and tokenise it themselves."""

import json
import random
from pathlib import Path

from benchmarks.models import PLAIN, Words
from benchmarks.workloads import Job

SHORT_WORDS = (
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "it",
    "for",
    "was",
    "on",
    "are",
    "with",
    "as",
    "his",
    "they",
    "at",
    "be",
    "this",
)


def rows(job: Job, steps: int, seed: int = 0) -> list[dict[str, str]]:
    """Rows for so many steps, in the common columns. Every length is exact in tokens for the models with random weights; in pretrained
    ones short English words, one token each with their space."""
    draw = random.Random(f"{seed} {job.key}")
    words = Words(job.size.vocabulary) if job.size.vocabulary else None

    def text(n: int, what: str) -> str:
        if words is None:
            return "".join(" " + draw.choice(SHORT_WORDS) for _ in range(n))
        return "".join(f" {draw.choice(words.of(what))}" for _ in range(n))

    def completion() -> str:
        return text(draw.randint(job.shortest, job.longest) - 1, PLAIN)  # the end is a token too

    made = []
    for _ in range(job.rows * steps):
        if job.kind == "sft":
            made.append({"text": completion().lstrip()})
        elif job.kind in ("grpo", "sampling"):
            made.append({"prompt": text(job.prompt, "prompt").lstrip()})
        else:
            made.append({"prompt": text(job.prompt, "prompt").lstrip(), "chosen": completion(), "rejected": completion()})
    return made


def write(job: Job, steps: int, folder: Path) -> Path:
    """The rows as a JSON-lines file."""
    path = folder / f"{job.kind}-{job.key}-{steps}.jsonl"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(job, steps)))
    return path


def even_share(completions: list[str], **_: list) -> list[float]:
    """A reward that tells completions apart and costs next to nothing: the share of characters in a fixed set. Both libraries call it."""
    return [sum(c in "02468aeiou" for c in text) / max(len(text), 1) for text in completions]
