"""Turns that are marked as only read (weight 0, train: false): nothing of them is learned."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    rows = looked.noticed.get("read_only", [])
    if rows:
        yield Doubt(f"{looked.share(rows)} have assistant turns that are marked as only read (weight 0) and are not learned", rows[0])
