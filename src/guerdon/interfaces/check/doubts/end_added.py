"""The template ends no turn: the end of the last answer is the tokenizer's, and no other turn has one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    rows = looked.noticed.get("end_added", [])
    if rows:
        more = looked.noticed.get("turn_without_end", [])
        also = f"; turns before the last have none, {looked.share(more)} have such turns" if more else ""
        end = looked.encoder.tokenizer.eos_token
        yield Doubt(
            f"the chat template ends no turn: the last answer of {looked.share(rows)} is closed with the tokenizer's end token {end!r}{also}; see that whoever uses "
            "the model stops there",
            (more or rows)[0],
        )
