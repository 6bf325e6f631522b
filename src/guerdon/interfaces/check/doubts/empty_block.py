"""An empty thinking block is learned: the row has no thoughts and the template wants some."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    rows = looked.noticed.get("no_thoughts", [])
    if rows:
        yield Doubt(
            f"{looked.share(rows)} have no thoughts for the thinking block of the chat template, so the model is taught to leave it empty; give the thoughts "
            "(reasoning_content), or switch thinking off in column 'chat_template_kwargs' if the template can",
            rows[0],
        )
