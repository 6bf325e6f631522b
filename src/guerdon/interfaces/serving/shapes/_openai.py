"""What the answers of OpenAI's API, and of those who follow it, have in common."""

import math
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.serving import reading
from guerdon.interfaces.serving.items import Conversation, Item, Tokenised, Written
from guerdon.interfaces.serving.scoring import Found


def listing(kind: str, data: list[Any], found: Sequence[Found], served: str) -> dict[str, Any]:
    """A list with the tokens that were read."""
    own = {"id": f"{kind}-{uuid.uuid4().hex}", "object": "list", "created": int(time.time()), "model": served, "data": data}
    return {**own, "usage": usage(found)}


def usage(found: Sequence[Found]) -> dict[str, int]:
    tokens = sum(one.tokens for one in found)
    return {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}


def number(asked: Mapping[str, Any], one: Found) -> float:
    """The score, or, where the request asks for it, its sigmoid."""
    if not reading.activation(asked):
        return one.score
    return 1 / (1 + math.exp(-one.score)) if one.score > -700 else 0.0


def inputs(asked: Mapping[str, Any]) -> list[Item]:
    """``messages``, one conversation; or ``input``: a text, tokens, or several of either."""
    reading.whole_only(asked)
    reading.activation(asked)
    reading.encoding_of_floats(asked)
    if reading.has(asked, "messages"):
        return [
            Conversation(
                reading.said(asked["messages"], "messages"),
                {k: asked[k] for k in ("chat_template_kwargs", "tools") if reading.has(asked, k)},
            )
        ]
    value = reading.need(asked, "input")
    return [_input(one, f"input[{place}]") for place, one in enumerate(_apart(value))]


def _apart(value: Any) -> list[Any]:
    if isinstance(value, list) and value and all(type(token) is int for token in value):
        return [value]
    return reading.several(value, "input")


def _input(value: Any, name: str) -> Item:
    if isinstance(value, list) and value and all(type(token) is int for token in value):
        return Tokenised(value)
    if isinstance(value, list):
        return Conversation(reading.said(value, name))
    if not isinstance(value, str):
        raise InputError(f"{name} is a text, a list of tokens or a list of {{role, content}}, and this one is {reading.shown(value)}")
    return Written(value)
