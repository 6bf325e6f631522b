"""Verifying: an episode in an environment of verifiers, whose own rollout runs on the event loop and waits there for what the policy says."""

import asyncio
import json
import queue
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import cache
from typing import Any

from guerdon.errors import RunFailed
from guerdon.tasks._awaiting import loop
from guerdon.tasks.calls import Call
from guerdon.tasks.environments import Row, Said, Told
from guerdon.tasks.environments._adapting import number
from guerdon.tasks.messages import Message
from guerdon.tasks.toolbox import ERROR


class Running:
    """One episode at a time; ``inner`` serves several of these."""

    def __init__(self, inner: Any, seconds: float) -> None:
        self.inner, self._seconds = inner, seconds
        self.tools = [_schema(tool) for tool in getattr(inner, "tool_defs", None) or ()]
        self._task: Future | None = None
        self._client: Any = None
        self._known: list[Message] = []
        self._state: Any = None

    def reset(self, row: Row, seed: int) -> Sequence[Message] | None:
        self.close()
        self._client, self._state = _client()(), None
        prompt = row.get("prompt")
        prompt = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt or [])
        given = {"example_id": 0, **row, "prompt": prompt}
        self._task = asyncio.run_coroutine_threadsafe(self._scored(given), loop())
        asked = self._next()
        if asked is None:
            raise RunFailed("the environment ended the episode before the policy spoke")
        self._known, tools = asked
        self.tools = [_schema(tool) for tool in tools or ()]
        return self._known[len(prompt) :] or None

    def step(self, said: Said) -> Told:
        if any(call.error for call in said.calls):
            return Told(
                [_refused(call) for call in said.calls], figures={"failed_calls": float(sum(bool(call.error) for call in said.calls))}
            )
        self._client.say(said)
        asked = self._next()
        if asked is None:
            return self._over()
        messages, _ = asked
        before = len(self._known)
        if messages[:before] != self._known or len(messages) <= before + 1:
            raise RunFailed(
                "the environment wrote its conversation anew, in the place of going on with it, which is learned from as it was said"
            )
        self._known = messages
        return Told(messages[before + 1 :])

    def ended(self) -> float | None:
        if self._state is not None or self._task is None:
            return None
        self._client.stop()
        return self._over().reward if self._next() is None else None

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _over(self) -> Told:
        state = self._state
        if state.get("error") is not None:
            raise RunFailed(f"the environment failed: {state['error']!r}")
        final = [_plain(message) for message in state.get("final_env_response") or ()]
        cut = bool(state.get("is_truncated")) or state.get("stop_condition") in ("max_turns_reached", "timeout_reached", "prompt_too_long")
        metrics = {name: float(value) for name, value in (state.get("metrics") or {}).items() if isinstance(value, int | float)}
        return Told(final or "", number(state.get("reward"), "the rubric"), done=True, truncated=cut, figures=metrics)

    def _next(self) -> tuple[list[Message], Any] | None:
        """What the environment asks of the policy next, messages and tools; None where the episode is over."""
        ends = time.monotonic() + self._seconds
        while time.monotonic() < ends:
            try:
                messages, tools = self._client.asked.get(timeout=0.02 if self._task.done() else min(0.5, self._seconds))
                return [_plain(message) for message in messages], tools
            except queue.Empty:
                if self._task.done() and self._client.asked.empty():
                    self._state = _result(self._task)
                    return None
        self.close()
        raise TimeoutError(f"the environment was at work on a turn for more than {self._seconds:g} s")

    async def _scored(self, given: Mapping[str, Any]) -> Any:
        state = await self.inner.rollout(given, self._client, "policy", {})
        await self.inner.rubric.score_rollout(state)
        return state


def _result(task: Future) -> Any:
    try:
        return task.result()
    except CancelledError as error:
        raise RunFailed("the episode was given up") from error


@cache
def _client() -> type:
    """The class of the client that stands for a model; made where the library is there."""
    from verifiers.clients import Client
    from verifiers.errors import OverlongPromptError
    from verifiers.types import Response, ResponseMessage, ToolCall

    class Policy(Client):
        def __init__(self) -> None:
            super().__init__(None)
            self.asked: queue.Queue[Any] = queue.Queue()
            self._answer: asyncio.Future | None = None

        async def get_response(self, prompt: Any, model: str, sampling_args: Any, tools: Any = None, **others: Any) -> Any:
            self._answer = asyncio.get_running_loop().create_future()
            self.asked.put((list(prompt), tools))
            said = await self._answer
            if said is None:
                raise OverlongPromptError("the context is full")
            calls = [ToolCall(id=f"call_{i}", name=c.name, arguments=json.dumps(dict(c.arguments))) for i, c in enumerate(said.calls)]
            reason = "tool_calls" if calls else "stop" if said.whole else "length"
            message = ResponseMessage(content=said.text, tool_calls=calls or None, finish_reason=reason, is_truncated=not said.whole)
            return Response(id=uuid.uuid4().hex, created=int(time.time()), model=model, message=message)

        def say(self, said: Said | None) -> None:
            loop().call_soon_threadsafe(self._set, self._answer, said)

        def stop(self) -> None:
            self.say(None)

        @staticmethod
        def _set(answer: asyncio.Future, said: Said | None) -> None:
            if not answer.done():
                answer.set_result(said)

        def setup_client(self, config: Any) -> None:
            return None

        async def to_native_tool(self, tool: Any) -> Any:
            return tool

        async def to_native_prompt(self, messages: Any) -> tuple[Any, dict]:
            return messages, {}

        async def get_native_response(self, *given: Any, **others: Any) -> Any:
            raise RunFailed("verifiers asked the policy for an answer by another way than get_response; use a version of it that does not")

        async def raise_from_native_response(self, response: Any) -> None:
            return None

        async def from_native_response(self, response: Any) -> Any:
            return response

        async def close(self) -> None:
            return None

    return Policy


def _plain(message: Any) -> Message:
    own = message.model_dump(exclude_none=True) if hasattr(message, "model_dump") else dict(message)
    return {name: value for name, value in own.items() if value is not None}


def _schema(tool: Any) -> Mapping[str, Any]:
    own = tool.model_dump() if hasattr(tool, "model_dump") else dict(tool)
    return {"type": "function", "function": {name: own[name] for name in ("name", "description", "parameters")}}


def _refused(call: Call) -> Message:
    return {
        "role": "tool",
        "name": call.name or "unknown",
        "content": f"{ERROR}{call.error or 'it was not run, since another call of the turn cannot be read'}",
    }
