"""How a scorer is served."""

from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.feedback.aggregating import Aggregating


@dataclass(frozen=True)
class Settings:
    """How requests are put together, and how much is taken on.

    Attributes:
        tokens_at_once: of a batch, and of what goes through the model at once.
        wait: milliseconds that the first text of a batch waits for others.
        most_texts: of one request.
        most_waiting: texts that were accepted and are not scored yet, of all requests together; who asks for more is told to ask again later.
        most_requests: that are read or answered at once.
        timeout: seconds that a request may take.
        most_bytes: of a request.
        truncate: what to do with a text that is longer than the model has room for: "" refuses it, "prompt" drops its oldest tokens.
        steps: what the verdicts on steps make of an answer: the model scores steps, which end with ``separator``. None: it scores answers.
        chat: a plain prompt is a user's turn, and a plain completion the assistant's: for scorers that were trained on conversations.
    """

    tokens_at_once: int = 4096
    wait: float = 3.0
    most_texts: int = 1024
    most_waiting: int = 8192
    most_requests: int = 1024
    timeout: float = 120.0
    most_bytes: int = 2**24
    truncate: str = ""
    chat: bool = False
    steps: Aggregating | None = None
    separator: str = "\n"

    def __post_init__(self) -> None:
        for name in ("tokens_at_once", "most_texts", "most_waiting", "most_requests", "timeout", "most_bytes"):
            if not getattr(self, name) > 0:
                raise InputError(f"{_option(name)} is {getattr(self, name)}; it is above 0")
        if not 0 <= self.wait < 1000 * self.timeout:
            raise InputError(f"{_option('wait')} is {self.wait:g} ms; it is 0 or more, and less than the timeout")
        if self.most_texts > self.most_waiting:
            raise InputError(
                f"{_option('most_texts')} is {self.most_texts} and {_option('most_waiting')} {self.most_waiting}: a request of that size could never be accepted"
            )
        if not self.separator:
            raise InputError("--separator is empty; give what ends a step, such as a line break")
        if self.truncate not in ("", "prompt"):
            raise InputError(f"--truncate is {self.truncate!r}, and a scorer reads answers whole: write prompt, or leave it out")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
