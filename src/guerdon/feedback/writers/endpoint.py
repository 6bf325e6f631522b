"""Endpoint: a model behind an OpenAI-compatible address writes (OpenAI, vLLM, SGLang, llama.cpp, and most others).

    POST url/chat/completions {"model", "messages", "max_tokens", "temperature", ...} → {"choices": [{"message": {"content"}}], "usage"}

The key is read from the environment variable ``key_env`` when a request is sent; it is not part of what is printed, saved or logged, and processes that run the user's
functions do not have it (``guerdon.servers.keys``). ``concurrency`` requests are under way, no more than ``requests_per_minute`` and ``tokens_per_minute``; a server that is
full (429), restarts or loses a connection is asked again (``tries``, ``backoff``, ``Retry-After``). A question that the server refuses for what it holds has no answer, with
why; one that is refused for how it is asked (a JSON schema, log-probabilities, ...) is asked without, and so are those after it.

What may be spent, over a run's whole life (``guerdon.servers.spending``): ``budget_tokens``, and ``budget_money`` at ``price_read`` and ``price_written`` for a million
tokens. A request that could pass the bound is not sent; the run ends with a sentence. A token is at least one byte, so what a request may cost is known before it is sent.
Answers are remembered on this machine (``remember``), by all that decides them, so that a run that goes on pays for none twice.

Source: ours; the shape is that of https://platform.openai.com/docs/api-reference/chat.
Differs from Local: the model is elsewhere. Defaults: ``concurrency`` 8 is ours, the others those of ``guerdon.servers``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.writers import Answer, Question
from guerdon.feedback.writers._session import Session
from guerdon.feedback.writers.scripted import Scripted
from guerdon.servers.connection import Connection
from guerdon.servers.keys import hold
from guerdon.servers.opening import check
from guerdon.witness import Witness


@dataclass(frozen=True)
class _Own(Connection):
    """A connection whose settings are the endpoint's."""

    written: ClassVar[Mapping[str, str]] = {"key": "key_env", **{name: name for name in ("timeout", "patience", "tries", "backoff")}}


@dataclass(frozen=True)
class Endpoint:
    elsewhere: ClassVar[bool] = True  # a run goes on meanwhile

    url: str
    model: str = ""
    key_env: str = Connection.key
    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    budget_tokens: int | None = None
    budget_money: float | None = None
    price_read: float = 0.0
    price_written: float = 0.0
    remember: bool = True
    timeout: float = Connection.timeout
    patience: float = Connection.patience
    tries: int = Connection.tries
    backoff: float = Connection.backoff
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check(self.url)
        self.connection  # noqa: B018 refuses what cannot be
        bounds = (self.requests_per_minute, self.tokens_per_minute, self.budget_tokens, self.budget_money)
        if (
            self.concurrency < 1
            or any(bound is not None and bound <= 0 for bound in bounds)
            or min(self.price_read, self.price_written) < 0
        ):
            raise InputError("concurrency is 1 or more, limits and budgets are above 0 or left out, and prices are 0 or more")
        if self.budget_money is not None and not self.price_read + self.price_written:
            raise InputError("budget_money needs price_read and price_written, the money for a million tokens, to be reckoned with")
        if any(word in self.key_env for word in "-. ") or not self.key_env:
            raise InputError("key_env is the name of the environment variable that holds the key, such as OPENAI_API_KEY, and not the key")
        hold(self.key_env)

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        return self.session.ask(questions)

    def price(self, read: int, written: int) -> float:
        """What so many tokens cost."""
        return (read * self.price_read + written * self.price_written) / 1e6

    @property
    def connection(self) -> Connection:
        return _Own(self.timeout, self.patience, self.tries, self.backoff, key=self.key_env)

    @property
    def session(self) -> Session:
        """What all who ask this endpoint in this process share: the part is a value, and keeps nothing."""
        return _sessions.setdefault(repr(self), Session(self, self.connection))


_sessions: dict[str, Session] = {}


@dataclass(frozen=True)
class _Canned(Connection):
    """A server that knows one answer."""

    def __call__(self, url: str, body: Mapping[str, Any] | None = None, first: bool = False) -> Any:
        top = [{"token": " A", "logprob": -1.0}, {"token": "B", "logprob": -2.0}]
        found = {"message": {"content": str(body["max_tokens"])}, "finish_reason": "length"}
        found |= {"logprobs": {"content": [{"top_logprobs": top}]}} if body.get("logprobs") else {}
        return {"choices": [found], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}


@dataclass(frozen=True)
class Asked(Endpoint):
    """An endpoint of this process, for tests and examples."""

    @property
    def connection(self) -> Connection:
        return _Canned()


_asked = [
    Question(({"role": "user", "content": "a"},), max_tokens=3),
    Question(({"role": "user", "content": "b"},), max_tokens=1, words=("A", "B", "C")),
]
_here = Asked("http://canned/v1", remember=False)
witness = Witness(
    _here,
    parent=Scripted(),
    given={"questions": _asked},
    returns=[Answer("3", None, 7, 2, False), Answer("1", (-1.0, -2.0, -2.0), 7, 2, False)],
)
