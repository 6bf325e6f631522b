"""Remote: prompts and completions → their numbers, asked of a server.

A file is a shape in which servers are asked. ``ask(path, body)`` posts ``body`` to the server's ``path`` and returns what it answers. A completion that has no number
there is None; ``at_once`` says how many rows one request may have, where it is not for the user to say.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Ask = Callable[[str, Mapping[str, Any]], Any]


class Speech(Protocol):
    """``prompts`` and ``completions`` (texts, or lists of messages) and columns, all of length B → B numbers or None.

    Raises:
        InputError: rows cannot be asked for in this shape, or what is answered is not in it.
    """

    at_once: int | None

    def __call__(self, ask: Ask, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]: ...
