"""Writers: questions → answers in text. A writer is who judges, proposes criteria, or critiques: a model that runs here, or one behind an address.

A question is a conversation and how its answer is to be drawn. Where ``words`` are given the answer is to be one of them, and a writer that can see how likely each of them
is says so (``likely``, log-probabilities); it need not write anything then. ``schema`` is the JSON schema of the answer, which a writer that can hold itself to one follows.
An answer that could not be had says ``why``; its text is empty, and it is never a verdict.

A question's answer depends on the question and on the writer, not on what is asked beside it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Message = Mapping[str, str]  # role and content


@dataclass(frozen=True)
class Question:
    """What a writer is asked.

    Attributes:
        messages: the conversation that is to be answered.
        max_tokens: after so many tokens an answer is cut off.
        temperature: 0 writes what is most likely.
        seed: of what is drawn, where the temperature is not 0.
        words: the words of which the answer is to be one.
        schema: the JSON schema of the answer.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    words: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """What a writer said.

    Attributes:
        text: what was written.
        likely: the log-probability of each of the question's words as the answer, in nats; None where that is not known.
        read, written: tokens of the question and of the answer, as the writer counts them.
        ended: whether it came to its end; false where it was cut off.
        why: why there is no answer; "" where there is one.
    """

    text: str = ""
    likely: tuple[float, ...] | None = None
    read: int = 0
    written: int = 0
    ended: bool = True
    why: str = ""


def question_text(question: Question) -> str:
    """All that a question is, as a text. What is most likely does not depend on the seed."""
    own = vars(question) | {"messages": [dict(message) for message in question.messages]}
    own["seed"] = question.seed if question.temperature > 0 else 0
    return json.dumps(own, sort_keys=True)


def plain(messages: Sequence[Message]) -> str:
    """A conversation as the one text that a model without a chat template is told."""
    return "\n\n".join(message["content"] for message in messages)


def short(raw: Any) -> Any:
    """What is meant by what a configuration may say for short: the source of a language model, its settings, or the address of an endpoint with its settings."""
    if isinstance(raw, str) and any(mark in raw for mark in "/:."):
        return {"part": "language_model", "source": raw}
    if isinstance(raw, Mapping) and "part" not in raw:
        return {"part": "endpoint" if "url" in raw else "language_model", **raw}
    return raw


class Writer(Protocol):
    """B questions → B answers.

    Raises:
        InputError: it cannot be asked; something is to be mended first.
        RunFailed: it does not answer any more, or what may be spent on it is spent.
    """

    def __call__(self, questions: Sequence[Question]) -> list[Answer]: ...


@dataclass(frozen=True)
class Written:
    """What a model wrote in answer to a conversation: ``read`` tokens of it, ``written`` of its own; whether that ``ended`` or was cut off. ``likely``: the log-probability of each
    of the words that it was to choose from. ``why``: why it wrote nothing."""

    text: str = ""
    read: int = 0
    written: int = 0
    ended: bool = True
    why: str = ""
    likely: tuple[float, ...] = ()


class Writing(Protocol):
    """A model that answers conversations (lists of messages), whatever it is told: by a text, or by one of a few words."""

    def write(self, conversations: Sequence[Any], max_tokens: int, temperature: float, seeds: Sequence[int]) -> list[Written]:
        """An answer to each; what is drawn depends on the conversation and its seed."""
        ...

    def choose(self, conversations: Sequence[Any], words: Sequence[str]) -> list[Written]:
        """How likely each of the words is as the answer to each."""
        ...
