"""Format: 1 where a completion has the asked form, a regular expression.

    reward = right if pattern matches the completion else wrong

``full`` asks the whole text to match, otherwise the pattern may occur anywhere. A dot matches line breaks, as reasoning has many of them.

Source: the format reward of DeepSeek-R1, arXiv 2501.12948, section 2.2.2 (thinking between <think> tags; the paper does not state the
expression). A pattern may take exponential time on some completion: it is judged apart, and a completion that takes too long is wrong.
Differs from StringMatch: reads no answer.
"""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.apart import judge_apart
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class Format:
    may_hang: ClassVar[bool] = True

    pattern: str
    full: bool = True
    right: float = 1.0
    wrong: float = 0.0

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise InputError(f"the pattern {self.pattern!r} of the format reward is no regular expression: {error}") from error

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        return judge_apart(self, prompts=prompts, completions=completions)

    def judge(self, prompts: list[Any], completions: list[Any]) -> list[float | None]:
        """The verdicts, in this process and without a limit."""
        expression = re.compile(self.pattern, re.DOTALL)
        matches = expression.fullmatch if self.full else expression.search
        return [self.right if matches(whole_text(completion)) else self.wrong for completion in completions]


_tags = r"<think>.*?</think>\s*<answer>.*?</answer>\s*"
_asked = {"prompts": ["q"] * 2, "completions": ["<think>1 + 1\n= 2</think><answer>2</answer>", "so: <think></think><answer>2</answer>"]}
witness = (
    Witness(Format(_tags), parent=StringMatch(), given=_asked, returns=[1.0, 0.0]),
    Witness(Format(_tags, full=False), parent=Format(_tags), given=_asked, returns=[1.0, 1.0]),
)
