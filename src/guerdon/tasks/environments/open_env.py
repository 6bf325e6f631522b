"""OpenEnv: an environment behind a server that speaks OpenEnv, over a WebSocket (``/ws``), a session for each episode that runs.

    {"type": "reset", "data": {"seed": 1}}                 {"type": "observation", "data": {"observation": {...}, "reward": 0.0, "done": false}}
    {"type": "step", "data": {"message": "hello"}}         the same, or {"type": "error", "data": {"message": ..., "code": ...}}

``action`` is the field of the environment's action that gets the text of a turn (``message`` of the echo environment, ``code`` of the coding one). ``observation`` is the field
that is told; None: the only text that there is in it, or all of it as JSON. ``columns`` of the row are handed to reset beside the seed. With ``tools`` the environment is one of
MCP tools: it is asked for their list, calls are steps (``call_tool``), and a turn without a call ends the episode.

An action that the server cannot read is told to the policy as an error; other errors, a server that is gone and one that does not answer within ``seconds`` leave the sequence out.

Source: OpenEnv 0.3 (``core/env_client.py``, ``core/env_server/types.py``); the extra ``openenv``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from guerdon.errors import InputError
from guerdon.tasks.calls import Call
from guerdon.tasks.environments import Row, Said, Told
from guerdon.tasks.environments._adapting import number
from guerdon.tasks.toolbox import ERROR, LONGEST, cut, written

_SEEDS = 2**31
_LOCAL = ("localhost", "127.0.0.1", "::1")
_LARGEST = 100 * 2**20  # bytes of a message, as in the client of the library


@dataclass(frozen=True)
class OpenEnv:
    url: str
    action: str = "message"
    observation: str | None = None
    columns: tuple[str, ...] = ()
    tools: bool = False
    seconds: float = 60.0
    longest: int = LONGEST

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        if urlsplit(self.url).scheme not in ("http", "https", "ws", "wss") or self.seconds <= 0:
            raise InputError(f"open_env needs a url (http://localhost:8000) and seconds > 0, not {self.url!r} and {self.seconds:g}")

    def build(self) -> "Running":
        return Running(self)


class Running:
    """A session with the server, which is begun anew where it was lost."""

    def __init__(self, told: OpenEnv) -> None:
        try:
            import websockets.sync.client  # noqa: F401
        except ImportError as error:
            raise InputError("environments of OpenEnv need the package websockets: pip install 'guerdon[openenv]'") from error
        self._told = told
        self._session: Any = None
        self.tools: list[Mapping[str, Any]] = []

    def reset(self, row: Row, seed: int) -> str:
        missing = [name for name in self._told.columns if name not in row]
        if missing:
            raise InputError(f"open_env hands the column {missing[0]!r} to reset, and the row has {', '.join(map(str, row))}")
        first = self._asked("reset", {"seed": seed % _SEEDS, **{name: row[name] for name in self._told.columns}})
        if self._told.tools:
            listed = self._asked("step", {"type": "list_tools"})["observation"].get("tools") or []
            self.tools = [_schema(tool) for tool in listed]
        return self._text(first["observation"])

    def step(self, said: Said) -> Told:
        if self._told.tools:
            return self._called(said) if said.calls else Told(done=True, truncated=not said.whole)
        try:
            data = self._asked("step", {self._told.action: said.text})
        except _Unreadable as error:
            return Told(f"{ERROR}{error}")
        return Told(self._text(data["observation"]), number(data.get("reward"), "the server"), done=bool(data.get("done")))

    def _called(self, said: Said) -> Told:
        messages, rewards, done = [], [], False
        for call in said.calls:
            text, data = self._result(call)
            messages.append({"role": "tool", "name": call.name or "unknown", "content": cut(text, self._told.longest)})
            rewards += [value for value in [number(data.get("reward"), "the server")] if value is not None]
            done = done or bool(data.get("done"))
        return Told(messages, sum(rewards) if rewards else None, done=done)

    def _result(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        if call.error:
            return f"{ERROR}{call.error}", {}
        try:
            data = self._asked("step", {"type": "call_tool", "tool_name": call.name, "arguments": dict(call.arguments)})
        except _Unreadable as error:
            return f"{ERROR}{error}", {}
        observation = data["observation"]
        wrong = observation.get("error")
        if wrong:
            return f"{ERROR}{wrong.get('message', wrong) if isinstance(wrong, Mapping) else wrong}", data
        return _of_result(observation.get("result")), data

    def _text(self, observation: Mapping[str, Any]) -> str:
        name = self._told.observation
        if name is not None:
            if name not in observation:
                raise InputError(f"the observation of {self._told.url} has no {name!r}; it has {', '.join(observation)}")
            return cut(written(observation[name]), self._told.longest)
        there = {key: value for key, value in observation.items() if value not in (None, "", [], {})}
        texts = [value for value in there.values() if isinstance(value, str)]
        return cut(texts[0] if len(texts) == 1 else written(there), self._told.longest)

    def _asked(self, kind: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the server answers.

        Raises:
            _Unreadable: it cannot read what was sent.
            InputError: it is not there.
            ConnectionError, TimeoutError: it is gone, or does not answer.
        """
        from websockets.exceptions import WebSocketException

        if self._session is None:
            self._session = _opened(self._told)
        try:
            self._session.send(json.dumps({"type": kind, "data": data}))
            answer = json.loads(self._session.recv(timeout=self._told.seconds))
        except (WebSocketException, OSError, ValueError) as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"the server of OpenEnv at {self._told.url} did not answer within {self._told.seconds:g} s") from error
            raise ConnectionError(f"the server of OpenEnv at {self._told.url} is gone: {error}") from error
        told = answer.get("data") or {}
        if answer.get("type") == "error":
            if told.get("code") == "VALIDATION_ERROR":
                raise _Unreadable(str(told.get("message"))[:500])
            raise ConnectionError(f"the server of OpenEnv says: {told.get('message')} ({told.get('code')})")
        if not isinstance(told.get("observation"), Mapping):
            raise ConnectionError(f"the server at {self._told.url} answers {str(answer)[:100]!r}, which is no observation of OpenEnv")
        return told

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


class _Unreadable(Exception):
    """What the server says of an action that it cannot read."""


def _opened(told: OpenEnv) -> Any:
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    place = urlsplit(told.url)
    url = place._replace(
        scheme={"http": "ws", "https": "wss"}.get(place.scheme, place.scheme), path=f"{place.path.rstrip('/')}/ws"
    ).geturl()
    proxy = {"proxy": None} if place.hostname in _LOCAL else {}
    try:
        return connect(url, open_timeout=told.seconds, max_size=_LARGEST, **proxy)
    except (WebSocketException, OSError) as error:
        raise InputError(f"no server of OpenEnv answers at {url} ({error}); start it, or mend the url") from error


def _schema(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = tool.get("input_schema") or tool.get("inputSchema") or {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": tool["name"], "description": tool.get("description") or "", "parameters": parameters}}


def _of_result(result: Any) -> str:
    """The text of what a tool returned: of MCP's contents where they are such."""
    if isinstance(result, Mapping):
        contents = result.get("content")
        if isinstance(contents, list) and contents and all(isinstance(one, Mapping) and "text" in one for one in contents):
            return "\n".join(str(one["text"]) for one in contents)
        if "data" in result:
            return written(result["data"])
    return written(result)
