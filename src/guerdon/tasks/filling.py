"""Filling: a text with columns of the data in it, and a prompt that is asked in other words."""

import string
from collections.abc import Mapping
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.messages import is_conversational, told


def filled(text: str, row: Mapping[str, Any], more: Mapping[str, Any] = {}, who: str = "sampler.reply") -> str:
    """``text`` with what stands in braces from the row, or from ``more``.

    Raises:
        InputError: a brace stands alone, or names what is not there.
    """
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise InputError(f"{who}: {error} in {text!r}; a brace that is meant as one is doubled") from error
    known = {**row, **more}
    if lacking := sorted(name for name in names if known.get(name) is None):
        raise InputError(
            f"{who}: it tells {lacking[0]!r}, and a row has no such column (columns: {', '.join(map(str, row))}); name one of them, or double a brace that is meant as one"
        )
    return text.format_map({name: known[name] for name in names})


def asked(prompt: Any) -> Any:
    """What a prompt asks: its text, or that of the last message of a conversation, parts joined."""
    return told(prompt)[-1]["content"] if is_conversational(prompt) else prompt


def reworded(prompt: Any, text: str) -> Any:
    """The prompt with another text; of a conversation it stands in the place of the last message's, and those before it stay."""
    return [*prompt[:-1], {**prompt[-1], "content": text}] if is_conversational(prompt) else text
