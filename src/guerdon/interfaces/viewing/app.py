"""App: what the server answers. Every answer is of a question that stands in an address, and changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.viewing.page import page
from guerdon.interfaces.viewing.showing import Shown
from guerdon.interfaces.web.pages import entered, plain

OPEN = frozenset({"/", "/enter", "/health"})  # a page without a word of the runs in it
MOST = 1000  # rows of one answer


def app(shown: Sequence[Shown], different: Callable[[], Any], tokens: Mapping[str, str]) -> Any:
    """The application.

    Args:
        shown: the runs.
        different: the settings in which they differ.
        tokens: token → whose it is; without any, whoever can ask may.
    """
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

    html, headers = page()
    by_name = {one.name: one for one in shown}

    def asking(answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def endpoint(request: Request) -> Any:
            try:
                return plain(answer(request))
            except InputError as error:
                return plain({"error": {"message": str(error)}}, 400)

        return endpoint

    def run(request: Request) -> Shown:
        name = request.query_params.get("run") or shown[0].name
        if name not in by_name:
            raise InputError(f"there is no run {name} here; there {'are' if len(by_name) > 1 else 'is'} {', '.join(by_name)}")
        return by_name[name]

    def whole(request: Request, name: str, default: int, most: int) -> int:
        text = request.query_params.get(name) or str(default)
        if not text.isdecimal() or len(text) > 15:
            raise InputError(f"{name}={text}: it is a whole number of 0 or more")
        return min(int(text), most)

    def all_runs(request: Request) -> Any:
        return {"runs": [one.about() for one in shown], "different": different()}

    def curves(request: Request) -> Any:
        asked = request.query_params.getlist("run") or list(by_name)
        return {
            name: {one: by_name[one].curve(name) for one in asked if one in by_name} for name in request.query_params.getlist("name")[:64]
        }

    def rollouts(request: Request) -> Any:
        return run(request).rollouts(request.query_params, whole(request, "at", 0, 2**40), whole(request, "count", 100, MOST))

    def place(request: Request) -> tuple[int, bool, int]:
        return whole(request, "at_step", 0, 2**50), request.query_params.get("split") == "test", whole(request, "place", 0, 2**50)

    return Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse(html, headers=headers)),
            Route("/enter", entered(tokens, lambda who: "/")),
            Route("/health", lambda request: JSONResponse("ok")),
            Route("/api/runs", asking(all_runs)),
            Route("/api/curves", asking(curves)),
            Route("/api/rollouts", asking(rollouts)),
            Route("/api/rollout", asking(lambda request: run(request).rollout(*place(request), request.query_params))),
            Route("/api/tree", asking(lambda request: run(request).tree(*place(request)))),
            Route("/api/prompt", asking(lambda request: [one.asked(request.query_params.get("prompt", "")) for one in shown])),
            Route(
                "/api/answers", asking(lambda request: run(request).answers(*place(request)[:2], request.query_params.get("prompt", "")))
            ),
        ]
    )
