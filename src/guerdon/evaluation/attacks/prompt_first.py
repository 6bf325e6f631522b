"""Prompt first: the answer begins with what was asked.

    "q", "It is." -> "You asked: q\n\nIt is."        ``opening``

Source: ours. Where either of the two says nothing there is nothing to try.
Differs from PromptAlone: the answer is there, longer and nearer to the words of the prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.attacks.repetition import Repetition
from guerdon.witness import Witness


@dataclass(frozen=True)
class PromptFirst:
    kind: ClassVar[Kind] = "length"
    opening: str = "You asked: "

    def __call__(self, prompts: Sequence[str], answers: Sequence[str]) -> list[list[str]]:
        both = zip(prompts, answers, strict=True)
        return [[f"{self.opening}{prompt.strip()}\n\n{text}"] if prompt.strip() and text.strip() else [] for prompt, text in both]


_given = {"prompts": ["q", "q"], "answers": ["It is.", ""]}
witness = (
    Witness(PromptFirst(), given=_given, returns=[["You asked: q\n\nIt is."], []], parent=Repetition()),
    Witness(PromptFirst(""), given=_given, returns=[["q\n\nIt is."], []], parent=PromptFirst()),
)
