"""Written: somebody writes of every answer what the policy is told: a compiler's message, failed tests, a judge's remarks.

    reply = text with {feedback} = what ``by`` returned for the answer        columns of the row in braces too; None or "" ends the conversation

``by(prompts, completions, **columns) -> [text or None]`` is a function, or ``file.py:function`` or ``package.module:function``, in the signature of a reward function; it may be
a coroutine. A column ``reward`` holds the reward of each answer where ``with_reward`` is set.

Source: execution feedback, RLEF, arXiv 2410.02089; natural-language feedback, Critique-GRPO, arXiv 2506.03106. The signature is ours.
Differs from Verdict: says what is wrong, not only that something is.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from guerdon.acting.replies._filled import filled
from guerdon.acting.replies.sentence import Sentence
from guerdon.errors import InputError, RunFailed
from guerdon.feedback.loading import load
from guerdon.feedback.worker import sentence
from guerdon.witness import Witness


@dataclass(frozen=True)
class Written:
    by: Callable[..., list[str | None]] | str
    text: str = "{feedback}\n\nAnswer again."
    with_reward: bool = False

    def needs(self) -> frozenset[str]:
        return frozenset({"prompt", "completion", "row"} | ({"reward"} if self.with_reward else set()))

    def __call__(
        self, prompt: Sequence[Any], completion: Sequence[Any], row: Sequence[Mapping[str, Any]], reward: Tensor | None = None
    ) -> list[tuple[str, ...]]:
        if not len(row):
            return []
        write = load(self.by, "reply") if isinstance(self.by, str) else self.by
        names = sorted({name for own in row for name in own} - {"prompt", "completion"})
        columns: dict[str, list[Any]] = {name: [own.get(name) for own in row] for name in names}
        columns |= {"reward": reward.tolist()} if self.with_reward else {}
        known = inspect.signature(write).parameters
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values()):
            columns = {name: values for name, values in columns.items() if name in known}
        said = self._said(write, list(prompt), list(completion), columns)
        return [(filled(self.text, own, {"feedback": words}),) if words else () for words, own in zip(said, row, strict=True)]

    def _said(
        self, write: Callable[..., Any], prompts: list[Any], completions: list[Any], columns: Mapping[str, list[Any]]
    ) -> list[str | None]:
        try:
            said = write(prompts=prompts, completions=completions, **columns)
            if inspect.isawaitable(said):
                with ThreadPoolExecutor(1) as thread:  # a notebook has a loop of its own that runs already
                    said = thread.submit(asyncio.run, _awaited(said)).result()
        except (InputError, RunFailed):
            raise
        except Exception as error:
            raise RunFailed(
                f"sampler.reply.by: {self._name} raised {sentence(error)}; an answer of which it has nothing to say is None"
            ) from error
        if (
            not isinstance(said, list | tuple)
            or len(said) != len(prompts)
            or not all(words is None or isinstance(words, str) for words in said)
        ):
            raise InputError(f"sampler.reply.by: {self._name} must return a list with a text or None for each of {len(prompts)} answers")
        return list(said)

    @property
    def _name(self) -> str:
        return self.by if isinstance(self.by, str) else getattr(self.by, "__name__", type(self.by).__name__)


async def _awaited(coroutine: Any) -> Any:
    return await coroutine


def _missing(prompts: list[str], completions: list[str], x: list[str]) -> list[str | None]:
    return [None if want in said else f"{prompt}: {want} is missing" for prompt, said, want in zip(prompts, completions, x, strict=True)]


_given = {"prompt": ["p", "q"], "completion": ["ab", "a"], "row": [{"x": "b"}, {"x": "b"}]}
witness = Witness(Written(_missing), parent=Sentence("{x}"), given=_given, returns=[(), ("q: b is missing\n\nAnswer again.",)])
