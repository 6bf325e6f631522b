"""Guarding: a request passes if it names a host of ours, bears a known token where one is needed, and is no larger than what is read.

A page of another site can have a browser on this machine ask a server on loopback, so the name of the host is compared there, too: what was asked by another name came by
another's page. Whose token it was stands in ``request.state.who``; without tokens it is "".
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guerdon.interfaces.web.refusing import refused

BEARER = "bearer "
COOKIE = "guerdon_token"


@dataclass(frozen=True)
class Guarded:
    """An ASGI application before which a guard stands.

    Attributes:
        tokens: token → whose it is; empty: nobody is asked for one.
        hosts: names by which it may be asked; empty: by any.
        most_bytes: of a request's body.
        open_paths: that are answered without a token, for those who look whether the server lives.
    """

    app: Any
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    hosts: frozenset[str] = frozenset()
    most_bytes: int = 2**24
    open_paths: frozenset[str] = frozenset({"/health"})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        from starlette.requests import Request

        request = Request(scope)
        if self.hosts and _asked_as(request) not in self.hosts:
            return await self._refuse(scope, receive, send, 421, f"this server is asked as {' or '.join(sorted(self.hosts))}")
        who = self._who(request)
        if who is None and scope["path"] not in self.open_paths:
            return await self._refuse(scope, receive, send, 401, "a token is needed: send the header 'Authorization: Bearer TOKEN'")
        scope.setdefault("state", {})["who"] = who or ""
        size = request.headers.get("content-length", "0")
        if not size.isdecimal() or int(size) > self.most_bytes:
            return await self._refuse(
                scope, receive, send, 413, f"the request is larger than {self.most_bytes} bytes; ask in smaller parts"
            )
        read = 0

        async def counted() -> Any:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most_bytes:  # one that did not say how large it is
                from starlette.exceptions import HTTPException

                raise HTTPException(413, f"the request is larger than {self.most_bytes} bytes; ask in smaller parts")
            return message

        await self.app(scope, counted, send)

    def _who(self, request: Any) -> str | None:
        """Whose token the request bears, in its header or its cookie; None for nobody's."""
        if not self.tokens:
            return ""
        header = request.headers.get("authorization", "")
        borne = header[len(BEARER) :].strip() if header.lower().startswith(BEARER) else request.cookies.get(COOKIE, "")
        known = [who for token, who in self.tokens.items() if hmac.compare_digest(token.encode(), borne.encode())]
        return known[0] if known else None

    async def _refuse(self, scope: Any, receive: Any, send: Any, status: int, why: str) -> None:
        await refused(status, why, {"WWW-Authenticate": "Bearer"} if status == 401 else {})(scope, receive, send)


def _asked_as(request: Any) -> str:
    """The name of the host by which a request asks; "" where it is none."""
    try:
        return request.url.hostname or ""
    except ValueError:  # of brackets that do not close, or a port that is no number
        return ""
