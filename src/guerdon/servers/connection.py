"""Requests to a server: JSON there and back, tried again where the fault may pass."""

import email.utils
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from guerdon.errors import InputError, RunFailed
from guerdon.servers.opening import opener_for, why
from guerdon.servers.watching import watch_of

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # of these a server may recover; of other refusals the request is the reason
SHORT = 30.0  # seconds that a question may take of which the server has the answer at hand


class Refused(InputError):
    """A server's refusal, with its code."""

    def __init__(self, sentence: str, code: int):
        super().__init__(sentence)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.code)


class NotFound(Exception):
    """There is no such address at the server."""


class BrokenOff(Exception):
    """An answer that begins as JSON does and does not end so: the server, or what stands before it, went away."""


@dataclass(frozen=True)
class Connection:
    """How a server is asked.

    Attributes:
        timeout: seconds that an answer may take.
        patience: seconds in which the server may say nothing at all, on no connection (``watching``).
        tries: how often a request is sent before the run fails.
        backoff: seconds before the second try; twice as many before each further one, at most a minute, or what the server asks for.
        key: the environment variable that holds the server's key, where there is one. The key itself would end up in the run's folder.
    """

    written: ClassVar[Mapping[str, str]] = {}  # what a user calls these settings, where that is not connection.NAME

    timeout: float = 600.0
    patience: float = 120.0
    tries: int = 6
    backoff: float = 1.0
    key: str = "OPENAI_API_KEY"

    def __post_init__(self) -> None:
        if self.timeout <= 0 or self.patience <= 0 or self.tries < 1 or self.backoff < 0:
            raise InputError(
                f"{self.called('timeout')} and {self.called('patience')} are above 0, {self.called('tries')} 1 or more, and {self.called('backoff')} not below 0"
            )

    def called(self, name: str) -> str:
        """What a user calls a setting."""
        return self.written.get(name, f"connection.{name}")

    def __call__(self, url: str, body: Mapping[str, Any] | None = None, first: bool = False) -> Any:
        """What the server answers: to a POST of ``body``, or to a GET where there is none.

        Args:
            first: nothing was heard of the server yet; that nothing listens there is then a mistake in the input, and not tried again.

        Raises:
            InputError: the server refuses the request (``Refused``, with its code); its words are passed on.
            RunFailed: it did not answer in any of the tries.
            NotFound: a GET of an address that the server does not have.
        """
        wait, reason = self.backoff, ""
        for attempt in range(self.tries):
            try:
                return self._ask(url, body)
            except urllib.error.HTTPError as error:
                said = _said(error)
                if error.code == 404 and body is None:
                    raise NotFound from error
                if error.code not in PASSING:
                    advice = (
                        f"; its key is read from the environment variable {self.key} ({self.called('key')})"
                        if error.code in (401, 403)
                        else ""
                    )
                    raise Refused(f"{url} refuses what it is asked ({error.code}): {said}{advice}", error.code) from error
                reason, asked = f"{error.code}: {said}", error.headers.get("Retry-After", "")
            except BrokenOff as error:
                reason, asked = str(error), ""
            except (OSError, http.client.HTTPException) as error:
                cause = getattr(error, "reason", error)
                if first and isinstance(cause, TimeoutError):
                    raise InputError(
                        f"{url} takes the connection and says nothing for {min(self.timeout, SHORT):.0f} s; is that the server, and has it loaded its model?"
                    ) from error
                if first and isinstance(error, urllib.error.URLError):
                    raise InputError(why(url, cause)) from error
                if isinstance(cause, ssl.SSLCertVerificationError):
                    raise InputError(why(url, cause)) from error
                reason, asked = _reason(cause), ""
            if attempt + 1 < self.tries:
                asked_for = _asked_for(asked)
                time.sleep(min(wait if asked_for is None else asked_for, 60.0))
                wait *= 2
        raise RunFailed(f"{url} gave no answer in {self.tries} tries, the last time {reason}")

    def _ask(self, url: str, body: Mapping[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json"}
        if os.environ.get(self.key):
            headers["Authorization"] = f"Bearer {os.environ[self.key]}"
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
        opener = opener_for(url)
        text = watch_of(url).wait(partial(self._read, opener, request), opener, self.patience)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):  # no JSON, no UTF-8, numbers or brackets without end
            if body is None:
                raise InputError(f"{url} does not answer in JSON; does url end in /v1?") from None
            words = text.decode(errors="replace")
            if words.lstrip()[:1] in ("{", "[") and words.rstrip()[-1:] not in ("}", "]"):
                raise BrokenOff(f"it broke off in the middle of its answer: {words.strip()[-40:]!r}") from None
            return words  # some endpoints answer in words

    def _read(self, opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> bytes:
        timeout = self.timeout if request.data is not None else min(self.timeout, SHORT)
        with opener.open(request, timeout=timeout) as answer:
            return answer.read()


def _said(error: urllib.error.HTTPError) -> str:
    """The server's own words, in one line."""
    try:
        text = error.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):  # it went away while it said so
        text = ""
    try:
        found = json.loads(text)
        found = found.get("error", found) if isinstance(found, dict) else found
        text = str(found.get("message", found) if isinstance(found, dict) else found)
    except (ValueError, RecursionError):
        pass
    return " ".join((text or str(error.reason)).split())[:300]


def _asked_for(header: str) -> float | None:
    """Seconds that a Retry-After asks for, as a number or as a date; None where it says neither."""
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _reason(cause: BaseException) -> str:
    if isinstance(cause, http.client.IncompleteRead):
        return "it broke off in the middle of its answer"
    if isinstance(cause, http.client.BadStatusLine) and not isinstance(cause, http.client.RemoteDisconnected):
        return f"it answers in no HTTP: {str(cause).strip()[:40]!r}"
    return str(cause) or type(cause).__name__
