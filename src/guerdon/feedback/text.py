"""The text that rewards read: a completion is a string, or a list of ``{role, content}`` messages when the prompt was one."""

from typing import Any

from guerdon.errors import InputError


def final_text(completion: Any) -> str:
    """What was said last by the assistant: the string itself, or the content of its last message ("" where it said nothing)."""
    said = _said(completion)
    return said[-1] if said else ""


def whole_text(completion: Any) -> str:
    """Everything the assistant said in the completion, its messages joined by line breaks; tool output is not among it."""
    return "\n".join(_said(completion))


def after_marker(text: str, marker: str | None) -> str | None:
    """What follows the last ``marker``; the text itself without a marker; None where the marker does not occur."""
    if marker is None:
        return text
    _, found, after = text.rpartition(marker)
    return after if found else None


def _said(completion: Any) -> list[str]:
    if isinstance(completion, str):
        return [completion]
    if not isinstance(completion, (list, tuple)) or not all(isinstance(message, dict) for message in completion):
        raise InputError(f"a completion is a string or a list of messages with role and content, not {type(completion).__name__}")
    return [_content(message.get("content")) for message in completion if message.get("role", "assistant") == "assistant"]


def _content(content: Any) -> str:
    """A message's content: a string, None (a tool call without words), or a list of parts of which the texts count."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part if isinstance(part, str) else part.get("text", "") for part in content)
