"""The text that rewards read: a completion is a string, or a list of ``{role, content}`` messages when the prompt was one.

What a completion answers stands after its thinking. Thinking is what stands between the delimiters that reasoning models use (``THINKING``); a
block that is opened by the prompt (its template ends on ``<think>``) is closed in the completion, and one that is not closed has not come to an answer.
"""

import re
from numbers import Number
from typing import Any

from guerdon.errors import InputError

_TAGS = "think|thinking|thought|thoughts|reasoning|reason|reflection|scratchpad|analysis|seed:think|seed:cot_budget_reflect"
THINKING = (  # what opens it, what closes it
    (rf"<(?:{_TAGS})>", rf"</(?:{_TAGS})>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"◁think▷", r"◁/think▷"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|(?:start_)?think(?:ing)?\|>", r"<\|(?:end_think(?:ing)?|/think(?:ing)?)\|>"),
    (r"<\|channel\|>(?:analysis|commentary)\b", r"<\|channel\|>final\b(?:<\|message\|>)?"),
)
THINKING_OPENS = re.compile("|".join(opening for opening, _ in THINKING), re.IGNORECASE)
THINKING_CLOSES = re.compile("|".join(closing for _, closing in THINKING), re.IGNORECASE)
_FIRST = "<[\u25c1"  # what a delimiter begins with
_FRAMES = ("<|begin_of_solution|>", "<|START_RESPONSE|>"), ("<|end_of_solution|>", "<|END_RESPONSE|>", "<|return|>")


def final_text(completion: Any) -> str:
    """What was said last by the assistant: the string itself, or the content of its last message ("" where it said nothing)."""
    said = _said(completion)
    return said[-1] if said else ""


def whole_text(completion: Any) -> str:
    """Everything the assistant said in the completion, its messages joined by line breaks; tool output is not among it."""
    return "\n".join(_said(completion))


def answer_text(completion: Any, prompt: Any = None) -> str:
    """What the assistant said last, without its thinking: "" where it has not finished thinking."""
    text = final_text(completion)
    opened = opened_thinking(prompt) if isinstance(prompt, str) else _said_to_be_opened(completion)
    if not any(letter in text for letter in _FIRST) and not opened:
        return text
    closed = None
    for closed in THINKING_CLOSES.finditer(text):  # noqa: B007 the last one counts
        pass
    if closed is not None:
        text = text[closed.end() :]
    elif opened:
        return ""
    again = THINKING_OPENS.search(text)
    return _unframed(text[: again.start()] if again else text)


def after_marker(text: str, marker: str | None) -> str | None:
    """What follows the last ``marker``; the text itself without a marker; None where the marker does not occur."""
    if marker is None:
        return text
    _, found, after = text.rpartition(marker)
    return after if found else None


def _unframed(text: str) -> str:
    """Without the tokens that some models put around what they answer."""
    bare = text.strip()
    for start in _FRAMES[0]:
        bare = bare.removeprefix(start)
    for end in _FRAMES[1]:
        bare = bare.removesuffix(end)
    return bare if len(bare) < len(text.strip()) else text


def opened_thinking(prompt: str) -> str | None:
    """The delimiter of a thinking block that is opened at the end of a prompt."""
    end = prompt[-80:].rstrip()
    return next((match.group() for match in THINKING_OPENS.finditer(end) if match.end() == len(end)), None)


def _said_to_be_opened(completion: Any) -> bool:
    """Whether a message says that the template opened its thinking (``guerdon.training.judging``)."""
    spoken = [message for message in completion if message.get("role", "assistant") == "assistant"] if isinstance(completion, list) else []
    return len(spoken) == 1 and bool(spoken[0].get("opened"))


def _said(completion: Any) -> list[str]:
    if isinstance(completion, str):
        return [completion]
    if not isinstance(completion, (list, tuple)) or not all(isinstance(message, dict) for message in completion):
        raise InputError(f"a completion is a string or a list of messages with role and content, not {type(completion).__name__}")
    return [_content(message.get("content")) for message in completion if message.get("role", "assistant") == "assistant"]


def _content(content: Any) -> str:
    """A message's content: a string, None (a tool call without words), or a list of parts of which the texts count."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part if isinstance(part, str) else part.get("text") or "" for part in content)


def gold_text(gold: Any) -> str | None:
    """The gold answer as it would be written: a text, a number, or several of them; None of what else a column may hold."""
    gold = gold.tolist() if hasattr(gold, "tolist") else gold  # arrays and their numbers
    if isinstance(gold, list | tuple):
        return None if any(gold_text(one) is None for one in gold) else str(gold)
    if isinstance(gold, bool) or not isinstance(gold, str | Number):
        return None
    try:
        return str(gold)
    except ValueError:  # a whole number of more digits than Python writes
        return None
