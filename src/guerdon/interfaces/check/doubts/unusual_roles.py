"""Turns of somebody whom no template is made for: a misspelt assistant is read and never learned."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from guerdon.interfaces.check.doubts import Doubt
from guerdon.tasks.messages import is_conversational

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared

USUAL = {"system", "developer", "user", "assistant", "tool", "function", "ipython", "environment"}


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    found: dict[int, set[str]] = {}
    for index in looked.sides:
        if roles := _roles(looked.rows[index]) - USUAL:
            found[index] = roles
    if found:
        often = Counter(role for roles in found.values() for role in roles)
        named = ", ".join(repr(role) for role, _ in often.most_common(3))
        yield Doubt(
            f"{looked.share(list(found))} have turns of {named}, which the chat template writes as they are; only turns of 'assistant' are learned: correct them, "
            "if that is who is meant",
            next(iter(found)),
        )


def _roles(row: Any) -> set[str]:
    talks = [value for value in row.values() if not isinstance(value, str) and is_conversational(value)]
    return {str(message["role"]) for talk in talks for message in talk}
