"""A session with an MCP server: it is opened, kept and closed by one coroutine on the event loop, and asked from any thread."""

import asyncio
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from functools import lru_cache
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks._awaiting import loop
from guerdon.tasks.tools import Mistaken

_STARTING = 30.0  # seconds that a server may take to start, at least


class Session:
    def __init__(self, command: tuple[str, ...], env: tuple[tuple[str, str], ...], cwd: str | None, seconds: float) -> None:
        try:
            import mcp  # noqa: F401
        except ImportError as error:
            raise InputError("tools of MCP servers need the package mcp: pip install 'guerdon[mcp]'") from error
        self._command, self._env, self._cwd, self._seconds = command, dict(env), cwd, seconds
        self._lock = threading.Lock()
        self._client: Any = None
        self._ending: asyncio.Event | None = None

    def tools(self) -> list[dict[str, Any]]:
        """What the server lists: name, description, parameters.

        Raises:
            InputError: it does not start, or lists none in time.
        """
        try:
            return self._waited(self._listed(self._opened()), max(self._seconds, _STARTING))
        except (InputError, KeyboardInterrupt):
            raise
        except Exception as error:
            self.close()
            raise InputError(f"the MCP server {' '.join(self._command)} lists no tools: {_said(error)}") from error

    def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """What a tool returns, as a text.

        Raises:
            Mistaken: it says that something is wrong, takes too long, or is gone.
        """
        try:
            found = self._waited(self._opened().call_tool(name, dict(arguments)), self._seconds)
        except (Mistaken, KeyboardInterrupt):
            raise
        except LateError:
            self.close()
            raise Mistaken(f"the server did not answer within {self._seconds:g} s") from None
        except InputError as error:
            raise Mistaken(str(error)) from error
        except Exception as error:
            if not _refused(error):
                self.close()
            raise Mistaken(f"the server {'says' if _refused(error) else 'is gone'}: {_said(error)}") from error
        text = "\n".join(_text(content) for content in found.content)
        if getattr(found, "is_error", None) or getattr(found, "isError", None):
            raise Mistaken(text or "the tool says that it failed")
        return text

    def close(self) -> None:
        with self._lock:
            ending, self._ending, self._client = self._ending, None, None
        if ending is not None:
            loop().call_soon_threadsafe(ending.set)

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                started: Future = Future()
                self._ending = asyncio.Event()
                asyncio.run_coroutine_threadsafe(self._kept(started, self._ending), loop())
                try:
                    self._client = started.result(max(self._seconds, _STARTING))
                except LateError:
                    loop().call_soon_threadsafe(self._ending.set)
                    raise InputError(
                        f"the MCP server {' '.join(self._command)} did not start in time; run the command by itself to see why"
                    ) from None
                except Exception as error:
                    raise InputError(
                        f"the MCP server {' '.join(self._command)} does not start: {_said(error)}; run the command by itself to see why"
                    ) from error
            return self._client

    async def _kept(self, started: Future, ending: asyncio.Event) -> None:
        """Open the session, and keep it until it is to end."""
        from mcp import Client, StdioServerParameters
        from mcp.client.stdio import stdio_client

        told = StdioServerParameters(command=self._command[0], args=list(self._command[1:]), env=self._env, cwd=self._cwd)
        try:
            with open(os.devnull, "w") as nowhere:
                async with Client(stdio_client(told, errlog=nowhere)) as client:
                    started.set_result(client)
                    await ending.wait()
        except BaseException as error:
            if not started.done():
                started.set_exception(error if isinstance(error, Exception) else RuntimeError(str(error)))

    async def _listed(self, client: Any) -> list[dict[str, Any]]:
        found, cursor = [], None
        while True:
            page = await client.list_tools(cursor=cursor)
            found += [{"name": t.name, "description": t.description or "", "parameters": dict(t.input_schema)} for t in page.tools]
            if (cursor := page.next_cursor) is None:
                return found

    def _waited(self, asked: Any, seconds: float) -> Any:
        running = asyncio.run_coroutine_threadsafe(asked, loop())
        try:
            return running.result(seconds)
        except LateError:
            running.cancel()
            raise


@lru_cache(maxsize=32)
def shared(command: tuple[str, ...], env: tuple[tuple[str, str], ...], cwd: str | None, seconds: float) -> Session:
    """The session of this process with that server."""
    return Session(command, env, cwd, seconds)


def _refused(error: Exception) -> bool:
    """Whether the server answered, with an error that is none of the connection."""
    from mcp import MCPError

    return isinstance(error, MCPError) and "closed" not in str(error).lower()


def _said(error: BaseException) -> str:
    """What an error says; the first of a group's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]


def _text(content: Any) -> str:
    return content.text if getattr(content, "type", "") == "text" else f"({getattr(content, 'type', 'something')} left out)"
