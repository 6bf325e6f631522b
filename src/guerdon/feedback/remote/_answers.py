"""What a server answered, or a sentence that says what it should have answered."""

from collections.abc import Mapping
from typing import Any

from guerdon.errors import InputError


def field(answer: Any, name: str) -> Any:
    """The field of an object."""
    if not isinstance(answer, Mapping) or name not in answer:
        raise InputError(f"the server answers without {name!r}: {shown(answer)}; does it speak this shape? Set speaks to another")
    return answer[name]


def in_order(answer: Any, count: int) -> list[Any]:
    """The entries of ``data`` by their ``index``."""
    data = field(answer, "data")
    entries = data if isinstance(data, list) else []
    by_index = {field(entry, "index"): entry for entry in entries}
    if sorted(by_index, key=str) != sorted(range(count), key=str):
        raise InputError(f"the server was asked about {count} texts and answers about {len(entries)}: {shown(answer)}")
    return [by_index[place] for place in range(count)]


def numbers(values: Any, count: int) -> list[float | None]:
    """A list of numbers, one for each."""
    if not isinstance(values, list) or len(values) != count:
        raise InputError(f"the server was asked about {count} texts and answers with {shown(values)}")
    return values


def plain(prompts: list[Any], completions: list[Any], what: str) -> None:
    """See that rows are texts."""
    wrong = next((text for text in (*prompts, *completions) if not isinstance(text, str)), None)
    if wrong is not None:
        raise InputError(
            f"{what} takes texts, and the rows are conversations: {shown(wrong)}; ask in another shape (speaks: rewards, or classify)"
        )


def shown(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 120 else f"{words[:117]}..."
