"""Ids of calls: names by which results refer to their calls, where a chat template asks for them."""

import re
from collections.abc import Sequence

from guerdon.tasks.messages import Message

_ID = re.compile(r"[A-Za-z0-9]{9}")


def with_ids(results: Sequence[Message]) -> list[Message]:
    """The results with ids of nine letters and digits, as Mistral's templates ask for: their own where they are such, and a number elsewhere."""
    given = [str(result.get("tool_call_id") or "") for result in results]
    return [
        {**result, "tool_call_id": own if _ID.fullmatch(own) else f"call{place:05d}"}
        for place, (result, own) in enumerate(zip(results, given, strict=True))
    ]
