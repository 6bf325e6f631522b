"""U+FFFD: a character that was lost when the text was read or sampled, learned as if it were meant."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    rows = [
        index
        for index in looked.sides
        if "\ufffd" in str({k: v for k, v in looked.rows[index].items() if not str(k).endswith("tokens")})
        and "tokens" not in looked.rows[index]
    ]
    if rows:
        yield Doubt(
            f"{looked.share(rows)} hold U+FFFD, the sign for a character that was lost; read the file as what it is (UTF-8, Latin-1 ...) or drop the rows",
            rows[0],
        )
