"""The application: a request is read, put in line, scored and answered; or it is refused, with the reason.

    400  no JSON, or fields of another kind          422  an item that cannot be scored, and which
    404  another path or another model               503  full, still loading, or being stopped; Retry-After says when to ask again
    408  the request did not arrive                  504  it took longer than the timeout
    413  larger than what is read

Reading and tokenising are done by one thread, scoring by another, so that the loop that answers never waits. Of a client that goes away what is in line is dropped.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from guerdon.errors import InputError
from guerdon.interfaces.serving.metrics import Metrics
from guerdon.interfaces.serving.queueing import Full, Job, Queue
from guerdon.interfaces.serving.scoring import Read, Scoring
from guerdon.interfaces.serving.settings import Settings
from guerdon.interfaces.serving.shapes import Shape, shapes
from guerdon.interfaces.serving.worker import Worker
from guerdon.interfaces.web import refused

ARRIVE = 30.0  # seconds that a request's body may take
LOADING = 5  # seconds after which who asked while the model was loaded may ask again
GONE = 499  # what the logs of servers write where nobody is there to be answered


class Refusal(Exception):
    """A request that gets no scores: with which status, why, and what came of it for the metrics."""

    def __init__(self, status: int, why: str, outcome: str, headers: Mapping[str, str] | None = None, **more: Any):
        super().__init__(why)
        self.status, self.why, self.outcome, self.headers, self.more = status, why, outcome, dict(headers or {}), more


class Application:
    """What is served.

    Args:
        load: gives the running scorer; it is called once, in the thread that scores.
        names: of the model; the first is its own.
        failed: is called where the model could not be loaded.
    """

    def __init__(self, load: Callable[[], Scoring], names: tuple[str, ...], settings: Settings, failed: Callable[[], None]):
        self.names, self.settings = names, settings
        self.queue = Queue(settings.most_waiting)
        self.open = 0
        self.metrics = Metrics(
            {
                "guerdon_waiting_texts": ("Texts in line", lambda: self.queue.waiting),
                "guerdon_held_texts": ("Texts that were accepted and are not answered", lambda: self.queue.held),
                "guerdon_open_requests": ("Requests that are being read or answered", lambda: self.open),
                "guerdon_truncated_texts_total": (
                    "Texts that were cut",
                    lambda: self.worker.scoring.truncated if self.worker.scoring else 0,
                ),
                "guerdon_ready": ("Whether the model is loaded", lambda: float(self.worker.scoring is not None)),
            }
        )
        self.worker = Worker(load, self.queue, settings, self.metrics, failed)
        self.reading = ThreadPoolExecutor(1, "guerdon-reader")
        self.created = int(time.time())

    def app(self) -> Starlette:
        """As ASGI."""
        routes = [Route(path, self._endpoint(name, shape), methods=["POST"]) for name, shape in shapes().items() for path in shape.paths]
        routes += [
            Route("/health", self._health),
            Route("/ready", self._ready),
            Route("/metrics", self._metrics),
            Route("/v1/models", self._models),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan, exception_handlers={HTTPException: self._http, Exception: self._broken})

    @asynccontextmanager
    async def _lifespan(self, app: Starlette):
        self.worker.start()
        yield
        self.queue.close()
        self.reading.shutdown(wait=False, cancel_futures=True)

    # What is told

    async def _health(self, request: Request) -> Response:
        return JSONResponse("ok") if self.worker.lives else refused(500, "the thread that scores has ended; start the server again")

    async def _ready(self, request: Request) -> Response:
        return JSONResponse("ready") if self.worker.scoring is not None else self._loading()

    async def _metrics(self, request: Request) -> Response:
        return PlainTextResponse(self.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _models(self, request: Request) -> Response:
        own = {"object": "model", "created": self.created, "owned_by": "guerdon"}
        if self.worker.scoring is not None:
            own["max_model_len"] = self.worker.scoring.room
        return JSONResponse({"object": "list", "data": [{"id": self.names[0], **own}]})

    async def _http(self, request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            paths = sorted(path for shape in shapes().values() for path in shape.paths)
            return refused(404, f"there is no {request.url.path}; scores are asked for at {', '.join(paths)}")
        if error.status_code == 405:
            return refused(405, f"{request.url.path} is not asked by {request.method}", error.headers)
        return refused(error.status_code, str(error.detail), error.headers)

    async def _broken(self, request: Request, error: Exception) -> Response:
        return refused(500, f"the server failed: {type(error).__name__}: {error}")

    def _loading(self) -> Response:
        return refused(503, "the model is being loaded", {"Retry-After": str(LOADING)})

    # What is scored

    def _endpoint(self, name: str, shape: Shape) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            begun, outcome = time.monotonic(), "failed"
            self.open += 1
            try:
                response = await self._answered(shape, request)
                outcome = "answered"
            except Refusal as refusal:
                outcome = refusal.outcome
                response = refused(refusal.status, refusal.why, refusal.headers, **refusal.more)
            except HTTPException:
                outcome = "refused"
                raise
            finally:
                self.open -= 1
                self.metrics.request(name, outcome, time.monotonic() - begun)
            return response

        return endpoint

    async def _answered(self, shape: Shape, request: Request) -> Response:
        if self.worker.scoring is None:
            raise Refusal(503, "the model is being loaded", "loading", {"Retry-After": str(LOADING)})
        if self.open > self.settings.most_requests:
            raise self._full(f"{self.settings.most_requests} requests are open already")
        try:
            async with asyncio.timeout(min(ARRIVE, self.settings.timeout)):
                body = await request.body()
        except TimeoutError:
            raise Refusal(408, "the request did not arrive in time", "refused") from None
        except ClientDisconnect:
            raise Refusal(GONE, "the client went away", "gone") from None
        working = asyncio.ensure_future(self._scored(shape, request, body))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({working, gone}, timeout=self.settings.timeout, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            if gone.done():
                raise Refusal(GONE, "the client went away", "gone")
            raise Refusal(
                504,
                f"the scores were not there after {self.settings.timeout:g} s; ask for fewer at once, or give --timeout more",
                "timeout",
            )
        finally:
            working.cancel()
            gone.cancel()

    async def _scored(self, shape: Shape, request: Request, body: bytes) -> Response:
        loop, held = asyncio.get_running_loop(), 0
        result: asyncio.Future[Any] = loop.create_future()

        def done(found: Any) -> None:
            loop.call_soon_threadsafe(lambda: result.done() or result.set_result(found))

        job = None
        try:
            asked, items = await loop.run_in_executor(self.reading, self._asked, shape, body)
            try:
                self.queue.hold(len(items))
            except Full:
                raise self._full(f"{self.queue.held} texts are waiting already") from None
            held = len(items)
            read = await loop.run_in_executor(self.reading, self._read, items)
            job = Job(_client(request), read, [one.tokens for one in read], done)
            self.queue.put(job)
            found = await result
        finally:
            if job is not None:
                self.queue.drop(job)
            self.queue.release(held)
        if isinstance(found, tuple):
            place, why = found
            raise Refusal(422, f"item {place} has no score: {why}", "unscored", index=place)
        return JSONResponse(await loop.run_in_executor(self.reading, shape, asked, found, self.names[0]))

    def _asked(self, shape: Shape, body: bytes) -> tuple[dict[str, Any], list[Any]]:
        """The fields of a request, and what is to be scored. In the reading thread, as what follows."""
        asked = _parsed(body)
        model = asked.get("model")
        if model is not None and model not in self.names:
            raise Refusal(404, f"the model {model!r} is not served here, but {self.names[0]!r}; leave model out, or name that", "refused")
        try:
            items = shape.read(asked)
        except InputError as error:
            raise Refusal(400, str(error), "refused") from error
        if len(items) > self.settings.most_texts:
            raise Refusal(
                413,
                f"the request has {len(items)} texts, and at most {self.settings.most_texts} are taken at once; ask in smaller parts",
                "refused",
            )
        return asked, items

    def _read(self, items: list[Any]) -> list[Read]:
        read = []
        for place, item in enumerate(items):
            try:
                read.append(self.worker.scoring.read(item))
            except InputError as error:
                raise Refusal(422, f"item {place}: {error}", "refused", index=place) from error
            except Exception as error:  # a template or a tokenizer that fails in a way of its own
                raise Refusal(422, f"item {place} cannot be read: {type(error).__name__}: {error}", "refused", index=place) from error
        return read

    def _full(self, why: str) -> Refusal:
        wait = self.queue.tokens / self.worker.rate if self.worker.rate else 1.0
        return Refusal(503, f"{why}; ask again", "full", {"Retry-After": str(min(max(math.ceil(wait), 1), 60))})


async def _gone(request: Request) -> None:
    """Wait until the client is not there any more."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _client(request: Request) -> tuple[Any, ...]:
    """Who asks: whose token it is, or, where nobody has one, which connection."""
    return (request.state.who,) if getattr(request.state, "who", "") else tuple(request.client or ())


def _parsed(body: bytes) -> dict[str, Any]:
    """The object of a request's JSON."""

    def unknown(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        asked = json.loads(body, parse_constant=unknown)
    except (ValueError, RecursionError) as error:  # no UTF-8, a number without end, brackets without end
        raise Refusal(400, f"the request is no JSON: {error}", "refused") from error
    if not isinstance(asked, dict):
        raise Refusal(400, f"the request is an object with fields, and this one is a {type(asked).__name__}", "refused")
    return asked
