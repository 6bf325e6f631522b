"""Refusing: every answer that is none says why, in the shape in which OpenAI's API says it: {"error": {"message", "type", "code"}}."""

from collections.abc import Mapping
from typing import Any


def refused(status: int, why: str, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
    """The response; ``more`` stands beside the message."""
    from starlette.responses import JSONResponse

    said = {"message": why, "type": "refused", "code": status, **more}
    return JSONResponse({"error": said}, status, {"Connection": "close", **(headers or {})} if status in _ENDS else headers)


_ENDS = frozenset({401, 408, 413, 421, 503})  # after which nothing more is read of the connection: what was sent may not be worth reading
