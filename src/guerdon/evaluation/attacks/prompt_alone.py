"""Prompt alone: what was asked, and no answer.

    "q" -> "q"

Source: ours. An empty prompt is left alone.
Differs from Promise: every word is about what was asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.attacks.promise import Promise
from guerdon.witness import Witness


@dataclass(frozen=True)
class PromptAlone:
    kind: ClassVar[Kind] = "says nothing"

    def __call__(self, prompts: Sequence[str]) -> list[list[str]]:
        return [[text] if text.strip() else [] for text in prompts]


witness = Witness(PromptAlone(), given={"prompts": ["q", " "]}, returns=[["q"], []], parent=Promise())
