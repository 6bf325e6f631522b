"""Remote scorer: what a server says a completion is worth.

    reward = the number that ``url`` answers for (prompt, completion)        in units of the scorer that is served there

``speaks`` is the shape in which it is asked: that of ``guerdon serve reward``, vLLM's score or classification API, OpenRLHF's. ``url`` is the server's (its path is then that of
the shape) or the whole address. ``rows_at_once`` rows go into a request, of which ``requests_at_once`` are under way, while the policy samples on. A token is read from the
environment variable ``token_env``; it is not part of what is printed, saved or logged.

A server that is full, restarts or loses a connection is asked again (``tries``, ``backoff``); one that does not answer in any of the tries ends the run. A request that is
refused for what it holds (400, 413, 422) is asked again in halves, down to the completion that is the reason: that one has no reward (NaN), and the run leaves it out as it does
with rewards that fail.

Source: ours; the learned reward is that of Christiano et al. 2017, arXiv 1706.03741.
Differs from Scorer: the model is elsewhere. Defaults: ``rows_at_once`` 32 and ``requests_at_once`` 8 are ours, the others those of ``guerdon.servers``.
"""

import math
import urllib.parse
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.number import NoNumber
from guerdon.feedback.remote import Speech
from guerdon.feedback.remote.rewards import Rewards
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.servers.connection import Connection, Refused
from guerdon.servers.opening import check
from guerdon.witness import Witness

OF_WHAT_IT_HOLDS = frozenset({400, 413, 422})


@dataclass(frozen=True)
class _Own(Connection):
    """A connection whose settings are the reward's."""

    written: ClassVar[Mapping[str, str]] = {"key": "token_env", **{name: name for name in ("timeout", "patience", "tries", "backoff")}}


@dataclass(frozen=True)
class RemoteScorer:
    elsewhere: ClassVar[bool] = True  # a run goes on meanwhile

    url: str
    speaks: Speech = Rewards()
    token_env: str = "GUERDON_TOKEN"
    rows_at_once: int = 32
    requests_at_once: int = 8
    timeout: float = Connection.timeout
    patience: float = Connection.patience
    tries: int = Connection.tries
    backoff: float = Connection.backoff

    def __post_init__(self) -> None:
        check(self.url)
        if self.rows_at_once < 1 or self.requests_at_once < 1:
            raise InputError("rows_at_once and requests_at_once are 1 or more")
        self._connection  # noqa: B018 refuses what cannot be

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        size = min(self.rows_at_once, self.speaks.at_once or self.rows_at_once)
        parts = [range(first, min(first + size, len(completions))) for first in range(0, len(completions), size)]
        columns = {name: values for name, values in columns.items() if isinstance(values, list | tuple) and len(values) == len(completions)}
        if not parts:
            return []
        begun = []
        if not self._heard:  # that nothing listens there is a mistake in the input then, and said at once
            begun = [self._scored(parts.pop(0), prompts, completions, columns, first=True)]
            self._heard.append(True)
        pool = ThreadPoolExecutor(min(self.requests_at_once, max(len(parts), 1)), "guerdon-remote")
        try:
            others = list(pool.map(lambda rows: self._scored(rows, prompts, completions, columns), parts))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return [number for part in (*begun, *others) for number in part]

    def _scored(
        self, rows: range, prompts: list[Any], completions: list[Any], columns: dict[str, list[Any]], first: bool = False
    ) -> list[float | None]:
        own = {name: [values[row] for row in rows] for name, values in columns.items()}
        try:
            found = self.speaks(
                lambda path, body: self._connection(self._at(path), body, first=first),
                [prompts[row] for row in rows],
                [completions[row] for row in rows],
                **own,
            )
        except Refused as error:
            if error.code not in OF_WHAT_IT_HOLDS:
                raise
            if len(rows) == 1:
                return [NoNumber(f"has no number: {error}")]
            half = len(rows) // 2
            return [number for part in (rows[:half], rows[half:]) for number in self._scored(part, prompts, completions, columns, first)]
        return [_finite(number) for number in found]

    def _at(self, path: str) -> str:
        """Where the shape is asked: at its path of the server, or where ``url`` says."""
        base = self.url.rstrip("/")
        own = urllib.parse.urlsplit(base).path
        return base.removesuffix("/v1") + path if own in ("", "/v1") else base

    @cached_property
    def _connection(self) -> Connection:
        return _Own(self.timeout, self.patience, self.tries, self.backoff, key=self.token_env)

    @cached_property
    def _heard(self) -> list[bool]:
        """Holds something once the server has answered this process."""
        return []

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _finite(number: Any) -> float | None:
    if isinstance(number, float | int) and not isinstance(number, bool) and not math.isfinite(number):
        return NoNumber(f"has no number: the server answers {number}")
    return number


@dataclass(frozen=True)
class Counted(Rewards):
    """A server of this process, for tests and examples: how many words a completion has."""

    def __call__(self, ask: Any, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        return super().__call__(
            lambda path, body: {"rewards": [float(len(text.split())) for text in body["completions"]]}, prompts, completions
        )


witness = (
    Witness(
        RemoteScorer("http://counted", Counted()),
        parent=StringMatch(),
        given={"prompts": ["q"] * 2, "completions": ["two words", "one"], "answer": ["two words", "two"]},
        returns=[2.0, 1.0],
    ),
    Witness(
        RemoteScorer("http://counted", Counted(), rows_at_once=1),
        parent=StringMatch(),
        given={"prompts": ["q"] * 2, "completions": ["two words", "one"], "answer": ["two words", "two"]},
        returns=[2.0, 1.0],
    ),
)
