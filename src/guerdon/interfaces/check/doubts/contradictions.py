"""Two rows that say the opposite: what one prefers or calls good, the other prefers less or calls bad."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


_SHARE = 0.02  # people contradict one another now and then


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    from guerdon.data.formats.unpaired import verdict

    said: dict[tuple, int] = {}
    rows = []
    for index, sides in looked.sides.items():
        if {"chosen", "rejected"} <= sides.keys() and not isinstance(sides["chosen"], tuple):
            (context, *one), other = ((s.context, s.actions) for s in (sides["chosen"], sides["rejected"]))
            own, opposite = (context, *one, other[1]), (context, other[1], *one)
        elif looked.rows[index].get("label") is not None and "" in sides and not isinstance(sides[""], tuple):
            answer, good = (sides[""].context, sides[""].actions), verdict(looked.rows[index]["label"]) > 0.5
            own, opposite = (*answer, good), (*answer, not good)
        else:
            continue
        if opposite in said:
            rows.append((index, said[opposite]))
        said.setdefault(own, index)
    if len(rows) > _SHARE * len(looked.sides):
        index, before = rows[0]
        yield Doubt(
            f"{looked.share(rows)} say the opposite of one before them (row {index} of row {before}): the same prompt and answers, the other way round; look at where "
            "they come from",
            index,
        )
