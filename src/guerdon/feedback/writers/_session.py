"""A session with an endpoint: what all who ask it in this process share."""

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from guerdon.errors import InputError, RunFailed
from guerdon.feedback.writers import Answer, Question, question_text
from guerdon.feedback.writers._chat import OPTIONAL, Known, Malformed, answer_in
from guerdon.feedback.writers._remembered import Remembered
from guerdon.saying import say
from guerdon.servers.connection import Connection, Refused
from guerdon.servers.pacing import Pace
from guerdon.servers.spending import Purse, Spent

OF_WHAT_IT_HOLDS = frozenset({400, 413, 422})
_AROUND = 16  # tokens around each message


class Session:
    """Asks, paces, pays and remembers. ``remembered``: how many answers were not asked for again."""

    def __init__(self, endpoint: Any, connection: Connection):
        self.endpoint, self.connection = endpoint, connection
        self.known, self.heard, self.remembered = Known(), False, 0
        self.requests, self.tokens = Pace(endpoint.requests_per_minute), Pace(endpoint.tokens_per_minute)
        self.purse = Purse(f"{endpoint.model or 'the model'} at {endpoint.url}", endpoint.budget_tokens, endpoint.budget_money)
        about = {"url": endpoint.url, "model": endpoint.model, "extra": dict(endpoint.extra)}
        self.memory = Remembered(about) if endpoint.remember else None
        self._lock = threading.Lock()
        self._flying: dict[str, Future[Answer]] = {}

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """An answer to each, those that are remembered at no cost.

        Raises:
            InputError, RunFailed: see ``Writer``. What was answered until then is remembered.
        """
        rest = list(questions)
        out: list[Answer] = []
        while rest and not self.heard:  # that nothing listens there is a mistake in the input then, and said at once
            out.append(self._once(rest.pop(0)))
        pool = ThreadPoolExecutor(max(min(self.endpoint.concurrency, len(rest)), 1), "guerdon-judge")
        try:
            return out + list(pool.map(self._once, rest))
        except Spent:
            pool.shutdown(wait=True, cancel_futures=True)  # what is paid for is waited for, and remembered
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _once(self, question: Question) -> Answer:
        """The answer, from memory, or from whoever asks the same just now, or from the server."""
        own: Future[Answer] = Future()
        with self._lock:
            asked = self._flying.setdefault(question_text(question), own)
        if asked is not own:
            return asked.result()
        try:
            answer = self.memory.get(question) if self.memory is not None else None
            self.remembered += answer is not None
            answer = self._paid(question) if answer is None else answer
        except BaseException as error:
            own.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._flying[question_text(question)]
        own.set_result(answer)
        return answer

    def _paid(self, question: Question) -> Answer:
        most_read = _AROUND + sum(_AROUND + len(str(message["content"]).encode()) for message in question.messages)
        if question.schema is not None:
            most_read += len(json.dumps(question.schema))
        most_written = question.max_tokens
        number = self.purse.reserve(most_read, most_written, self.endpoint.price(most_read, most_written))
        try:
            self.requests.take(1)
            self.tokens.take(most_read // 3 + most_written)  # as many as such a text has, or so
            answer = self._answered(question)
        except BaseException:
            self.purse.drop(number)
            raise
        read, written = (most_read, most_written) if answer.read < 0 or answer.written < 0 else (answer.read, answer.written)
        self.purse.settle(number, read, written, self.endpoint.price(read, written))
        answer = replace(answer, read=read, written=written)
        self.heard = True
        if self.memory is not None and not answer.why:
            self.memory.put(question, answer)
        return answer

    def _answered(self, question: Question) -> Answer:
        url, wait, tries = f"{self.endpoint.url.rstrip('/')}/chat/completions", self.connection.backoff, 0
        while True:
            without = set(self.known.without)
            try:
                said = self.connection(url, self.known.body(self.endpoint.model, question, self.endpoint.extra), first=not self.heard)
                return answer_in(said, question)
            except Malformed as error:
                tries += 1
                if tries == self.connection.tries:
                    kind = RunFailed if self.heard else InputError
                    hint = "" if self.heard else "; is it an OpenAI-compatible chat endpoint, and does url end in /v1?"
                    raise kind(
                        f"{url} answered {tries} times with something that is no chat completion, the last time {str(error)!r}{hint}"
                    ) from error
                time.sleep(min(wait, 60.0))
                wait *= 2
            except Refused as error:
                if error.code not in OF_WHAT_IT_HOLDS:
                    raise
                with self._lock:
                    known = self.known.without != without  # another thread found out meanwhile
                    left = None if known else self.known.refused(str(error), question)
                if left is not None:
                    say(f"{self.endpoint.url} refuses a request ({error}): from now on {OPTIONAL[left][1]}")
                elif not known:
                    if not self.heard:
                        raise
                    return Answer(why=f"the server refuses the question: {error}", read=0, written=0)
