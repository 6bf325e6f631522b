"""Written: somebody writes of every answer what the policy is told: a compiler's message, failed tests, a judge's remarks.

    reply = text with {feedback} = what ``by`` returned for the answer        columns of the row in braces too; None or "" ends the conversation

``by(prompts, completions, **columns) -> [text or None]`` is a function, or ``file.py:function`` or ``package.module:function``, in the signature of a reward function; it may be
a coroutine. A column ``reward`` holds the reward of each answer where ``with_reward`` is set.

Source: execution feedback, RLEF, arXiv 2410.02089; natural-language feedback, Critique-GRPO, arXiv 2506.03106. The signature is ours.
Differs from Verdict: says what is wrong, not only that something is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from guerdon.acting.replies.sentence import Sentence
from guerdon.feedback.remarking import Writer, columns_of, remarks
from guerdon.tasks.filling import filled
from guerdon.witness import Witness


@dataclass(frozen=True)
class Written:
    by: Writer | str
    text: str = "{feedback}\n\nAnswer again."
    with_reward: bool = False

    def needs(self) -> frozenset[str]:
        return frozenset({"prompt", "completion", "row"} | ({"reward"} if self.with_reward else set()))

    def __call__(
        self, prompt: Sequence[Any], completion: Sequence[Any], row: Sequence[Mapping[str, Any]], reward: Tensor | None = None
    ) -> list[tuple[str, ...]]:
        if not len(row):
            return []
        columns = columns_of(row) | ({"reward": reward.tolist()} if self.with_reward else {})
        said = remarks(self.by, "sampler.reply.by", prompt, completion, columns)
        return [(filled(self.text, own, {"feedback": words}),) if words else () for words, own in zip(said, row, strict=True)]


def _missing(prompts: list[str], completions: list[str], x: list[str]) -> list[str | None]:
    return [None if want in said else f"{prompt}: {want} is missing" for prompt, said, want in zip(prompts, completions, x, strict=True)]


_given = {"prompt": ["p", "q"], "completion": ["ab", "a"], "row": [{"x": "b"}, {"x": "b"}]}
witness = Witness(Written(_missing), parent=Sentence("{x}"), given=_given, returns=[(), ("q: b is missing\n\nAnswer again.",)])
