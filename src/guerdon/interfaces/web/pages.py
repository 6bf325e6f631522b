"""Pages: what the pages of our servers share: headers by which a page loads nothing from elsewhere, JSON that no text can break, links with a token in them, and a style.

Texts go to a page as JSON, and the page writes them as text, so nothing that a row holds is ever markup.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from guerdon.interfaces.web.guarding import COOKIE

SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
STYLE = "page.css"
DAYS = 90  # for which a browser keeps a token


def only(scripts: Sequence[str]) -> dict[str, str]:
    """The headers of a page on which these scripts run, and no other."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    policy = SAFE["Content-Security-Policy"].replace(
        "script-src 'unsafe-inline'", "script-src " + " ".join(f"'sha256-{own}'" for own in digests)
    )
    return SAFE | {"Content-Security-Policy": policy}


def plain(content: Any, status: int = 200) -> Any:
    """A response of JSON in ASCII: a text may hold half of a character, which UTF-8 has no way to write."""
    from starlette.responses import Response

    return Response(json.dumps(content).encode(), status, SAFE, media_type="application/json")


def entered(tokens: Mapping[str, str], where: Callable[[str], str]) -> Callable[[Any], Any]:
    """An endpoint at which the token of a link becomes a cookie, and is in the address no longer. ``where``: of whose token it is, the page that is theirs."""
    from starlette.responses import PlainTextResponse, RedirectResponse

    def enter(request: Any) -> Any:
        token = request.query_params.get("token", "")
        if token not in tokens:
            return PlainTextResponse("This link is not known here. Ask whoever gave it to you for a new one.", 401, SAFE)
        there = RedirectResponse(where(tokens[token]), 303, SAFE)
        there.set_cookie(COOKIE, token, max_age=DAYS * 24 * 3600, httponly=True, samesite="strict")
        return there

    return enter


def rendered(folder: Path, template: str, styles: list[str], **more: Any) -> str:
    """A template of the folder as a page with everything in it: the style of all pages, and those of its own, as ``style``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = "".join(path.read_text(encoding="utf-8") for path in (Path(__file__).with_name(STYLE), *(folder / name for name in styles)))
    return environment.get_template(template).render(style=style, **more)
