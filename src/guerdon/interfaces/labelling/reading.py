"""Reading: what was asked and what was answered, out of a row's columns, whatever they are called.

A text is a string or a list of messages, as in the common formats; an answer may also be a table that holds its text (``{"response": ...}``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.data.formats.preference import split
from guerdon.errors import InputError
from guerdon.tasks.messages import TEMPLATE_COLUMNS, THOUGHTS, is_conversational, read_messages, told
from guerdon.tasks.rows import missing_column

Row = Mapping[str, Any]
Text = str | list[Mapping[str, Any]]

# What other tools call the columns.
PROMPTS = ("prompt", "instruction", "question", "problem")
ONE = ("completion", "response", "output", "solution")
TWO = (
    ("response_a", "response_b"),
    ("response_1", "response_2"),
    ("response_0", "response_1"),
    ("output_1", "output_2"),
    ("answer_a", "answer_b"),
)
SEVERAL = ("completions", "responses", "answers", "outputs")
_WITHIN = ("response", "content", "text")


@dataclass(frozen=True)
class Item:
    """What a person is asked about.

    Attributes:
        prompt: what was asked; None where the answers stand by themselves.
        answers: one or more, in the order of the file.
        parts: of an answer that is judged in parts, its parts: steps, or words with what stands between them.
        template: columns that tell the chat template more; they belong to the prompt.
    """

    prompt: Text | None
    answers: tuple[Text, ...]
    parts: tuple[str, ...] = ()
    template: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, Any]:
        """The columns of the prompt."""
        return ({} if self.prompt is None else {"prompt": self.prompt}) | dict(self.template)


def has_two(row: Row) -> bool:
    """Whether a row holds two answers that can be compared."""
    return ("chosen" in row and "rejected" in row) or any(a in row and b in row for a, b in TWO) or _listed(row) == 2


def has_several(row: Row) -> bool:
    return _listed(row) > 2


def has_one(row: Row) -> bool:
    return not has_two(row) and not has_several(row) and (any(name in row for name in ONE) or "messages" in row)


def several(row: Row) -> Item:
    """The answers of a row, two or more.

    Raises:
        InputError: it has none, or what they hold is no text.
    """
    template = {name: row[name] for name in TEMPLATE_COLUMNS if row.get(name)}
    if "chosen" in row and "rejected" in row:
        prompt, *answers = split(row)
        return Item(
            prompt if prompt else None, tuple(_text(a, n) for a, n in zip(answers, ("chosen", "rejected"), strict=True)), (), template
        )
    pair = next((pair for pair in TWO if all(name in row for name in pair)), None)
    if pair is not None:
        return Item(_prompt(row), tuple(_text(row[name], name) for name in pair), (), template)
    name = next((name for name in SEVERAL if name in row), None)
    if name is None:
        raise InputError(f"the row {missing_column('completions', row)}; answers stand in 'completions', or in 'chosen' and 'rejected'")
    if isinstance(row[name], str | Mapping) or not isinstance(row[name], Sequence) or len(row[name]) < 2:
        raise InputError(f"column {name!r} holds {_short(row[name])}, where a list of two answers or more is expected")
    return Item(_prompt(row), tuple(_text(answer, name) for answer in row[name]), (), template)


def single(row: Row) -> Item:
    """The one answer of a row.

    Raises:
        InputError: it has none, or what it holds is no text.
    """
    template = {name: row[name] for name in TEMPLATE_COLUMNS if row.get(name)}
    name = next((name for name in ONE if name in row), None)
    if name is not None:
        return Item(_prompt(row), (_text(row[name], name),), (), template)
    if "messages" not in row:
        raise InputError(f"the row {missing_column('completion', row)}; the answer stands in 'completion', or is the last of 'messages'")
    turns = _text(row["messages"], "messages")
    if isinstance(turns, str) or len(turns) < 2 or turns[-1]["role"] != "assistant":
        raise InputError("column 'messages' does not end with an assistant's turn after another turn, so there is no answer to judge")
    return Item(list(turns[:-1]), (list(turns[-1:]),), (), template)


def prompted(row: Row) -> Item:
    """What was asked, without an answer."""
    return Item(_prompt(row), (), (), {name: row[name] for name in TEMPLATE_COLUMNS if row.get(name)})


def turns(text: Text) -> list[dict[str, str]]:
    """A text as the page shows it: who says what; a string is said by nobody."""
    if isinstance(text, str):
        return [{"role": "", "text": text}]
    found = []
    for message in told(text):
        role, thought = str(message["role"]), message.get(THOUGHTS[0])
        found += [{"role": f"{role}, thinking", "text": str(thought)}] if thought else []
        found.append({"role": role, "text": _said(message)})
    return found


def plain(text: Text) -> str:
    """All that a text says."""
    return text if isinstance(text, str) else "\n".join(turn["text"] for turn in turns(text))


def _said(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls")
    said = [message["content"]] if isinstance(message.get("content"), str) and message["content"] else []
    return "\n".join([*said, *([json.dumps(calls, ensure_ascii=False, indent=1, default=str)] if calls else [])])


def _prompt(row: Row) -> Text:
    name = next((name for name in PROMPTS if name in row), None)
    if name is None:
        raise InputError(f"the row {missing_column('prompt', row)}")
    return _text(row[name], name)


def _text(value: Any, column: str) -> Text:
    if isinstance(value, Mapping):
        value = next((value[name] for name in _WITHIN if name in value), value)
    value = read_messages(value, column) if column != "text" and _spells_messages(value) else value
    if isinstance(value, str):
        return value
    if not isinstance(value, Sequence) or not value or not is_conversational(value):
        raise InputError(f"column {column!r} holds {_short(value)}, where a text or a list of messages is expected; mend or drop the row")
    told(value)  # refuses what cannot be shown
    return list(value)


def _spells_messages(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip().startswith('[{"role"')


def _listed(row: Row) -> int:
    found = next((row[name] for name in SEVERAL if name in row), None)
    return len(found) if isinstance(found, Sequence) and not isinstance(found, str) and "labels" not in row else 0


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
