"""Texts: what a row's prompt and completion say, as turns that the page shows and as one text that is searched.

A text is a string, a list of messages, or a list of actions of a world. A turn: {"role", "text", "thoughts", "calls": [{"name", "arguments"}], "tool"}, of which only
what is there stands there; ``tool`` names whose result a turn is. Whatever a file holds, something is shown."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.tasks.messages import THOUGHTS

EXCERPT = 240


def turns(text: Any) -> list[dict[str, Any]]:
    """The turns of a text; a plain one is said by nobody."""
    if isinstance(text, list) and text and all(isinstance(message, Mapping) and "role" in message for message in text):
        return [_turn(message) for message in text]
    if text is None:
        return []
    if isinstance(text, list) and all(not isinstance(part, list | Mapping) for part in text):
        return [{"role": "", "text": " ".join(map(str, text))}]
    return [{"role": "", "text": text if isinstance(text, str) else _json(text)}]


def plain(found: Sequence[Mapping[str, Any]]) -> str:
    """All that turns say."""
    return "\n".join(part for turn in found for part in _parts(turn) if part)


def acted(found: Sequence[Mapping[str, Any]]) -> int:
    """How many turns the policy had: those of an assistant, or the one text."""
    return sum(turn["role"] in ("", "assistant") for turn in found)


def excerpt(text: str) -> str:
    """Its beginning, in a line."""
    said = " ".join(text[: 4 * EXCERPT].split())
    return said if len(said) <= EXCERPT and len(text) <= 4 * EXCERPT else f"{said[: EXCERPT - 1]}…"


def around(text: str, sought: str) -> str:
    """What is said around the first place at which something is found, in a line; the beginning where it is found nowhere, or there."""
    at = text.lower().find(sought.lower())
    if at + len(sought) <= EXCERPT // 3:
        return excerpt(text)
    return f"…{excerpt(text[at - EXCERPT // 8 :])}"


def _turn(message: Mapping[str, Any]) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": str(message["role"]), "text": _content(message.get("content"))}
    thoughts = next((message[name] for name in THOUGHTS if message.get(name)), None)
    if thoughts:
        turn["thoughts"] = str(thoughts)
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        turn["calls"] = [_call(call) for call in calls]
    if turn["role"] == "tool":
        turn["tool"] = str(message.get("name") or message.get("tool_call_id") or "")
    return turn


def _call(call: Any) -> dict[str, str]:
    function = call.get("function", call) if isinstance(call, Mapping) else call
    if not isinstance(function, Mapping):
        return {"name": "", "arguments": _json(function)}
    given = function.get("arguments", {})
    found = {"name": str(function.get("name", "")), "arguments": given if isinstance(given, str) else _json(given)}
    return found | ({"error": str(call["error"])} if call.get("error") else {})


def _content(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", _json(part))) if isinstance(part, Mapping) else str(part) for part in content)
    return content if isinstance(content, str) else _json(content)


def _parts(turn: Mapping[str, Any]) -> list[str]:
    calls = [f"{call['name']} {call['arguments']}" for call in turn.get("calls", ())]
    return [turn.get("thoughts", ""), turn["text"], *calls]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)
