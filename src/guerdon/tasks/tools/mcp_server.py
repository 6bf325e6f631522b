"""MCP server: the tools of a server of the Model Context Protocol, over its standard input and output.

    MCPServer(command=("python", "weather.py"))

The server is a process that is started when it is first needed: one for the whole process (``per_episode`` false), whose state all episodes share, or one for each episode, begun
anew with it. It sees no variable of this process' environment but those that a program cannot do without (HOME, PATH ...) and those in ``env``. ``only`` names the tools that are
taken; empty: all.

A call that takes longer than ``seconds``, and one of a server that has died, are told so; the server is started again with the next call. Contents that are no text are named and
left out.

Source: Model Context Protocol, https://modelcontextprotocol.io, by the package ``mcp`` (the extra ``mcp``); 30 s are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.tools._mcp_session import Session, shared


@dataclass(frozen=True)
class MCPServer:
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    only: tuple[str, ...] = ()
    per_episode: bool = False
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("command", "only"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        if not self.command or self.seconds <= 0:
            raise InputError(f"an MCP server needs a command and seconds > 0, not {list(self.command)} and {self.seconds:g}")

    def build(self) -> tuple["Running", ...]:
        """Its tools.

        Raises:
            InputError: it does not start, or has no such tool.
        """
        make = Session if self.per_episode else shared
        session = make(self.command, tuple(sorted(self.env.items())), self.cwd, self.seconds)
        listed = {tool["name"]: tool for tool in session.tools()}
        if lost := [name for name in self.only if name not in listed]:
            raise InputError(f"the MCP server {' '.join(self.command)} has no tool {lost[0]!r}; it has {', '.join(listed) or 'none'}")
        names = self.only or tuple(listed)
        if not names:
            raise InputError(f"the MCP server {' '.join(self.command)} has no tools")
        return tuple(Running(session, listed[name], self.per_episode and place == 0, self.per_episode) for place, name in enumerate(names))


class Running:
    """One tool of the server; the first of a server that is an episode's begins it anew, and any closes it."""

    def __init__(self, session: Session, listed: Mapping[str, Any], begins: bool, closes: bool) -> None:
        self._session, self._begins, self._closes = session, begins, closes
        self._name = listed["name"]
        self.schema = {"type": "function", "function": dict(listed)}

    def __call__(self, **arguments: Any) -> str:
        return self._session.call(self._name, arguments)

    def reset(self, row: Mapping[str, Any], seed: int) -> None:
        if self._begins:
            self._session.close()

    def close(self) -> None:
        if self._closes:
            self._session.close()
