"""Cut answers: they have no end, so that the model is taught to go on, and of some nothing is left."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    from guerdon.interfaces.check.looking import learned, sides_of

    encoder = replace(prepared.encoder, truncated=dict.fromkeys(prepared.encoder.truncated, 0), noticed=Counter())
    if prepared.loop == "improve" or not encoder.truncate or encoder.max_length is None:
        return
    long = {index for index, _, side in looked.each() if len(side.context) + len(side.actions) > encoder.max_length}
    lost, nothing = {}, []
    for index in sorted(long):
        left = sides_of(prepared, looked.rows[index], encoder)
        if not left:
            nothing.append(index)
        elif (less := learned(looked.sides[index]) - learned(left)) > 0:
            lost[index] = less
    if lost:
        most = max(lost, key=lambda index: lost[index])
        yield Doubt(
            f"{looked.share(list(lost))} lose learned tokens by being cut, row {most} the most ({lost[most]}), and what is cut has no end; leave more room, or drop "
            "them (encoding.truncate: drop)",
            most,
        )
    if nothing:
        yield Doubt(
            f"of {looked.share(nothing)} nothing is left to learn once they are cut, and they are left out; leave more room", nothing[0]
        )
