"""One prompt for all rows: what is learned is an answer to this prompt."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt
from guerdon.tasks.rows import LazyRows

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    if isinstance(looked.rows, LazyRows) or len(looked.sides) < 2:
        return
    contexts = {side.context for _, _, side in looked.each()}
    first = next(iter(looked.sides))
    if len(contexts) == 1 and ("prompt" in looked.rows[first] or len(next(iter(contexts))) > 1):
        yield Doubt(
            f"all {len(looked.sides)} rows that were looked at have the same prompt; check the columns, if there are to be several", first
        )
