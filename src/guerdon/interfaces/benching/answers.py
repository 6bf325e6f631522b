"""Answers in comparison: whose text can be read and put in another's place, and what the model said of each."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.interfaces.benching.reading import Rows
from guerdon.interfaces.benching.scoring import TOO_LONG, Scoring, named


@dataclass(frozen=True)
class Pair:
    """A better and a worse answer to one prompt, and what the model said of them.

    Attributes:
        row: its place among the rows, which know the number in the file.
    """

    row: int
    prompt: Any
    better: Any
    worse: Any
    better_score: float
    worse_score: float
    category: str = ""

    @property
    def margin(self) -> float:
        return self.better_score - self.worse_score


def text_of(answer: Any) -> str:
    """What an answer says: a text, or the contents of its messages that are the assistant's."""
    if isinstance(answer, str):
        return str(answer)
    return "\n\n".join(_content(message) for message in answer if message.get("role") == "assistant")


def last_text(answer: Any) -> str:
    """What is said last, which edits change."""
    return str(answer) if isinstance(answer, str) else _content(answer[-1])


def with_last_text(answer: Any, text: str) -> Any:
    """The answer with another text in the place of its last."""
    return text if isinstance(answer, str) else [*answer[:-1], {**answer[-1], "content": text}]


def _content(message: Any) -> str:
    content = message.get("content")
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(part if isinstance(part, str) else part.get("text", "") for part in content)


def scored_pairs(rows: Rows, scoring: Scoring) -> list[Pair]:
    """Every pair that fits, with its scores. What is left out is counted in the rows."""
    from guerdon.data.formats.preference import split

    kept, sides, equal = [], [], 0
    for index, row in enumerate(rows.rows):
        with named(rows.numbers[index], rows.where):
            prompt, *answers = split(row)
        own = scoring.sides(row, prompt, answers, rows.numbers[index], rows.where)
        if own is None:
            rows.left_out[TOO_LONG] = rows.left_out.get(TOO_LONG, 0) + 1
        elif own[0] == own[1]:
            equal += 1
        else:
            kept.append((index, prompt, *answers))
            sides += own
    if equal:
        rows.left_out["both sides are the same tokens, as the chat template or the tokenizer writes them"] = equal
    scores = scoring.scores(sides)
    return [
        Pair(index, prompt, better, worse, float(scores[2 * i]), float(scores[2 * i + 1]), rows.category_of(rows.rows[index]))
        for i, (index, prompt, better, worse) in enumerate(kept)
    ]


def margins(pairs: list[Pair]) -> np.ndarray:
    return np.array([pair.margin for pair in pairs])
