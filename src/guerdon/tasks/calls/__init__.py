"""Calls: how a model writes that it calls a tool. A part reads the calls off what was said, and knows how a result is told.

    read(text, opened) -> Found   ``text``: a turn as the model wrote it, special tokens included; ``opened``: it begins within a thinking block, which the prompt opened
    write(calls) -> str           the calls as such a turn writes them, for experts and demonstrations
    told(results) -> messages     the results, messages of the role tool, as the policy reads them: these messages, which the template writes, or a text where no template does

To call a format is to read. A call in a thought is none; a thought that is not closed goes to the end of the turn.
What is no call is no error: it is text. What looks like a call and cannot be read is a call with an ``error``, which the model is told in the place of a result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from guerdon.tasks.messages import Message


@dataclass(frozen=True)
class Call:
    """A call of a tool.

    Attributes:
        name: of the tool; empty where none could be read.
        arguments: by name, as they were written: nothing is converted before it is checked against the tool's schema.
        error: what is wrong with it, in a sentence that the model can mend it by; empty where nothing is.
        start, end: where it stands in the text that it was read from.
        id: by which its result refers to it, where the format has such names.
        spelled: its arguments are texts, whatever they mean: the format writes no types, which the tool's schema has (``tasks.spelled``).
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    start: int = 0
    end: int = 0
    id: str = ""
    spelled: bool = False


@dataclass(frozen=True)
class Found:
    """What a turn says besides its calls, thoughts included, and the calls, in their order."""

    text: str
    calls: tuple[Call, ...] = ()


class CallFormat(Protocol):
    def read(self, text: str, opened: bool = False) -> Found: ...

    def write(self, calls: Sequence[Call]) -> str: ...

    def told(self, results: Sequence[Message]) -> str | Sequence[Message]: ...
