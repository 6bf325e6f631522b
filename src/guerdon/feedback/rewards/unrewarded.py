"""Unrewarded: no completion is better than another; for recipes that read no reward, such as a teacher's.

    reward = 0

Source: ours.
Differs from StringMatch: it reads nothing.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.witness import Witness


@dataclass(frozen=True)
class Unrewarded:
    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        return [0.0] * len(completions)


witness = Witness(
    Unrewarded(),
    parent=StringMatch(),
    given={"prompts": ["q", "q"], "completions": ["yes", "no"], "answer": ["yes", "yes"]},
    returns=[0.0, 0.0],
)
