"""Looking: the training rows as the loop will see them, encoded once for every question that is asked about them.

Up to ``MOST`` rows are looked at, spread over all; what was not looked at is said.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from guerdon.interfaces.preparing import Prepared
from guerdon.sequences import Side
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.tasks.rows import LazyRows, Row, at_row, place

MOST = 5000
_MADE = 256  # of a task that makes its rows as they are asked for


@dataclass
class Looked:
    """What was looked at.

    Attributes:
        rows: all training rows.
        sides: by the index of a row that was looked at, its sides by name as they are without a bound on their length. Of a loop that acts there is one,
            ``prompt``, which has no actions: what is learned is what will be answered.
        noticed: what the encoder noticed (``Encoder.noticed``), with the rows of which.
    """

    rows: Sequence[Row]
    encoder: Encoder
    sides: dict[int, dict[str, Side | tuple[Side, ...]]] = field(default_factory=dict)
    noticed: dict[str, list[int]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether every row was looked at."""
        return len(self.sides) == len(self.rows)

    def share(self, rows: Sequence[int]) -> str:
        """How many rows, of how many that were looked at."""
        return f"{len(rows)} of {len(self.sides)} rows"

    def each(self) -> Iterator[tuple[int, str, Side]]:
        """Row, name and tokens of every side."""
        for index, sides in self.sides.items():
            for name, side in sides.items():
                for one in side if isinstance(side, tuple) else (side,):
                    yield index, name, one


def look_at(prepared: Prepared) -> Looked:
    """Encode the rows.

    Raises:
        InputError: one of them cannot be encoded.
    """
    rows = prepared.rows
    most = min(len(rows), _MADE if isinstance(rows, LazyRows) else MOST)
    looked = Looked(rows, unbounded(prepared.encoder))
    for index in range(0, len(rows), max(1, -(-len(rows) // most))):
        with at_row(*place(rows, index, "the training rows")):
            before = Counter(looked.encoder.noticed)
            looked.sides[index] = sides_of(prepared, rows[index], looked.encoder)
            for what in looked.encoder.noticed - before:
                looked.noticed.setdefault(what, []).append(index)
    return looked


def unbounded(encoder: Encoder) -> Encoder:
    """The encoder, with as much room as a row needs."""
    return replace(
        encoder, max_length=None, max_prompt_length=None, truncate="", truncated=dict.fromkeys(encoder.truncated, 0), noticed=Counter()
    )


def sides_of(prepared: Prepared, row: Any, encoder: Encoder) -> dict[str, Side | tuple[Side, ...]]:
    """The sides of one row under an encoder; of a row that is learned turn by turn, those of every turn."""
    from guerdon.data.examples import of_row

    if prepared.loop == "improve":
        return {"prompt": Side(encoder.encode_prompt(row["prompt"], **template_variables(row)), (), ())}
    made = of_row(row, encoder)
    if len(made) == 1:
        return dict(made[0].sides)
    return {name: tuple(example.sides[name] for example in made) for name in (made[0].sides if made else ())}


def learned(sides: dict[str, Side | tuple[Side, ...]]) -> int:
    """How many tokens of a row are learned."""
    return sum(sum(map(bool, one.mask)) for side in sides.values() for one in (side if isinstance(side, tuple) else (side,)))
