"""App: what the server answers.

A request that changes something must be JSON, and from a page of this server where the browser says from which it is: no other site's page can label.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from guerdon.errors import InputError
from guerdon.interfaces.labelling.exporting import exported
from guerdon.interfaces.labelling.overview import overview
from guerdon.interfaces.labelling.page import overview_page, page
from guerdon.interfaces.labelling.session import Session
from guerdon.interfaces.web.pages import SAFE, entered, plain

OWNER = "owner"
ALONE = "me"  # who labels without a token
OPEN = frozenset({"/", "/overview", "/enter", "/health"})  # pages without a word of the rows in them


def app(session: Session, tokens: Mapping[str, str]) -> Any:
    """The application. ``tokens``: token → whose it is; without any, who asks is alone, and the owner as well."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route

    found_at: dict[int, dict[str, Any]] = {}  # how many entries there were → the overview then

    def who(request: Request) -> str:
        return request.state.who or ALONE

    def refused(why: str, status: int) -> Response:
        return plain({"error": {"message": why}}, status)

    def changing(change: Callable[[str, Mapping[str, Any]], None]) -> Callable[[Request], Any]:
        """An endpoint that does something in somebody's name and says what they are asked next."""

        async def endpoint(request: Request) -> Response:
            origin = request.headers.get("origin")
            if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json" or (
                origin is not None and urlsplit(origin).netloc != request.headers.get("host")
            ):
                return refused("send JSON, from this server's own page", 403)
            if who(request) == OWNER and tokens:
                return refused("the owner's link shows the overview; to label, take an annotator's", 403)
            try:
                given = json.loads(await request.body())
                if not isinstance(given, dict) or not isinstance(given.get("key"), str) or not 0 < len(given["key"]) <= 100:
                    raise InputError("what is sent is a table with a 'key' of its own, by which it is known if it is sent again")
            except (ValueError, RecursionError):
                return refused("this is no JSON", 400)
            except InputError as error:
                return refused(str(error), 400)
            try:
                await run_in_threadpool(change, who(request), given)
            except InputError as error:
                return refused(str(error), 409)
            except sqlite3.Error as error:
                return refused(f"it could not be kept ({error}); is the disk full?", 507)
            return plain(await run_in_threadpool(session.task, who(request)))

        return endpoint

    def label(annotator: str, given: Mapping[str, Any]) -> None:
        session.label(annotator, str(given.get("item")), given.get("answer"), given.get("note", ""), given.get("seconds"), given["key"])

    def skip(annotator: str, given: Mapping[str, Any]) -> None:
        session.skip(annotator, str(given.get("item")), given.get("reason", ""), given.get("seconds"), given["key"])

    def undo(annotator: str, given: Mapping[str, Any]) -> None:
        session.undo(annotator, given["key"])

    def next_task(request: Request) -> Response:
        if who(request) == OWNER and tokens:
            return refused("the owner's link shows the overview; to label, take an annotator's", 403)
        return plain(session.task(who(request)))

    def owned(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            if tokens and who(request) != OWNER:
                return refused("this is the owner's; annotators label at /", 403)
            try:
                return answer(request)
            except InputError as error:
                return refused(str(error), 400)

        return endpoint

    def figures(request: Request) -> Response:
        with session.lock:
            count = session.ledger.count
            if count not in found_at:  # the page asks every few seconds
                found_at.clear()
                found_at[count] = overview(session.kind, session.items, session.gold, session.ledger)
            settled = session.assigning.settled
            found = found_at[count] | {"settled": len(settled), "soft": session.kind.soft}
            found["disputes"] = [one | {"waiting": str(one["row"]) not in settled} for one in found["disputes"]]
        return plain(found)

    def export(request: Request) -> Response:
        with session.lock:
            flags = {name: request.query_params.get(name) == "true" for name in ("by_annotator", "soft")}
            found = exported(session.kind, session.items, session.ledger, **flags)
        text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in found.rows)
        headers = SAFE | {"Content-Disposition": 'attachment; filename="labelled.jsonl"'}
        return Response(text.encode(errors="surrogatepass"), media_type="application/jsonl", headers=headers)

    return Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse(page(session.kind), headers=SAFE)),
            Route("/overview", lambda request: HTMLResponse(overview_page(), headers=SAFE)),
            Route("/enter", entered(tokens, lambda who: "/overview" if who == OWNER else "/")),
            Route("/health", lambda request: JSONResponse("ok")),
            Route("/api/task", next_task),
            Route("/api/label", changing(label), methods=["POST"]),
            Route("/api/skip", changing(skip), methods=["POST"]),
            Route("/api/undo", changing(undo), methods=["POST"]),
            Route("/api/overview", owned(figures)),
            Route("/api/export", owned(export)),
        ]
    )
