"""Stated confidence: minus the squared distance between how sure an answer says it is and whether it is right.

    reward = -(q - right)^2        q: the last number between <confidence> and </confidence>, 0 to 1, or a percentage; right: 1 where ``correct`` gives its most, ``at`` or more

The expectation is largest where q is the probability of being right, so that it pays to say what is the case. Beside a reward for being right (``[number_match,
{part: stated_confidence, correct: number_match}]``) it takes at most as much as being right brings. An answer that states no confidence, or one out of range, gets ``missing``.

Source: RLCR, Damani et al. 2025, arXiv 2507.16806 (the Brier score beside correctness); ``missing`` -1, the worst that can be stated, is our choice (there the
format has a reward of its own).
Differs from NumberMatch: what is said of the answer is judged, not the answer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.text import whole_text
from guerdon.feedback.written import numbers
from guerdon.parts import call, describe, needs
from guerdon.witness import Witness

_TAG = re.compile(r"<confidence>(.*?)</confidence>", re.DOTALL)
_TAGS = re.compile(r"<confidence>.*?(?:</confidence>|$)", re.DOTALL)


@dataclass(frozen=True)
class StatedConfidence:
    correct: Callable[..., list[float | None]] = field(default_factory=NumberMatch)
    at: float = 1.0
    missing: float = -1.0

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        given = {"prompts": prompts, "completions": [_bare(completion) for completion in completions], **columns}
        for name in needs(self.correct) - given.keys():
            raise InputError(f"stated_confidence: {describe(self.correct)} reads the column {name!r}, which the data do not have")
        right = call(self.correct, given)
        return [self._judge(one, text) for one, text in zip(right, map(whole_text, completions), strict=True)]

    def _judge(self, right: float | None, text: str) -> float | None:
        if right is None:
            return None
        sure = confidence(text)
        return self.missing if sure is None else -((sure - (right >= self.at)) ** 2)


def _bare(completion: Any) -> Any:
    """A completion without what it says of its confidence, which is a number and no answer."""
    if isinstance(completion, str):
        return _TAGS.sub("", completion)
    return [
        {**message, "content": _TAGS.sub("", message["content"])} if isinstance(message.get("content"), str) else message
        for message in completion
    ]


def confidence(text: str) -> float | None:
    """How sure a text says it is, 0 to 1; None where it does not say."""
    stated = _TAG.findall(text)
    found = numbers(stated[-1]) if stated else []
    if len(found) != 1 or found[0].value is None:
        return None
    value = float(found[0].value) / (100 if "%" in stated[-1] else 1)
    return value if 0 <= value <= 1 else None


witness = Witness(
    StatedConfidence(),
    parent=NumberMatch(),
    given={
        "prompts": ["q"] * 4,
        "completions": [
            "5 <confidence>0.75</confidence>",
            "6 <confidence>50%</confidence>",
            "5",
            "6 <confidence>5</confidence>",
        ],
        "answer": ["5"] * 4,
    },
    returns=[-0.0625, -0.25, -1.0, -1.0],
)
