"""Overlap: held-out rows that ask what a training row asks, so that what is measured on them is what was learned by heart."""

from collections.abc import Sequence
from typing import Any

from guerdon.tasks.rows import PlacedRows, Row, place

_ASKS = ("prompt", "messages", "conversations", "text")  # the first of them that a row has is what it asks


def told(rows: Sequence[Row], held_out: Sequence[Row]) -> list[str]:
    """What the user is to be told of rows that were read; of rows that are made as they are asked for, nothing."""
    if not (isinstance(rows, PlacedRows) and isinstance(held_out, PlacedRows) and len(held_out)):
        return []
    known = {_asked(row): index for index, row in reversed(list(enumerate(rows)))}
    both = [(index, known[asked]) for index, row in enumerate(held_out) if (asked := _asked(row)) in known]
    if not both:
        return []
    (at, source), (before, origin) = place(held_out, both[0][0]), place(rows, both[0][1])
    return [
        f"{len(both)} of {len(held_out)} held-out rows ask what a training row asks (row {at} of {source} as row {before} of {origin}), so that they show what was "
        "learned by heart; take them out of one of the two, or have task.held_out take whole prompts away from learning"
    ]


def _asked(row: Row) -> str:
    asks: Any = next((row[name] for name in _ASKS if row.get(name) is not None), row)
    return asks.strip() if isinstance(asks, str) else repr(asks)
