"""Examples: rows of whatever common format as what losses read."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from guerdon.data.formats import Format
from guerdon.data.formats._detect import detect
from guerdon.data.formats.prompt_only import PromptOnly
from guerdon.errors import InputError
from guerdon.sequences import Example
from guerdon.tasks.encoding import Encoder, NothingLeft, Rewrites
from guerdon.tasks.rows import at_row, place


def examples(
    rows: Sequence[Mapping[str, Any]],
    encode: Encoder,
    format: Format | None = None,
    columns: Collection[str] = (),
    where: str = "",
    telling: Callable[[int], None] = lambda done: None,
    sparse: Collection[str] = (),
) -> list[Example]:
    """Every row as an example; ``format`` None tells it from the columns, and rows of several formats may be among one another if they have the same sides.
    A conversation of which the template rewrites earlier turns is an example for each of its turns (``Encoder.noticed`` counts them); a row of which
    cutting left nothing to learn is none.

    The examples keep the numeric columns that all rows have, so that they can be batched.

    Args:
        columns: numeric columns that the losses ask for; a row without one is refused.
        where: what the rows are called in errors.
        telling: called with the number of rows that are done, after each.
        sparse: numeric columns that a row may lack, which is NaN there.

    Raises:
        InputError: with the number of the row; or no row has anything in a sparse column.
    """
    if not len(rows):
        raise InputError(f"{where or 'the data'} has no rows; check the path, the split and the filters")
    made: list[Example] = []
    told: dict[tuple[str, ...], Format] = {}
    for index in range(len(rows)):
        with at_row(*place(rows, index, where)):
            row = rows[index]
            for example in of_row(row, encode, format or _format(row, told)):
                if made and example.sides.keys() != made[0].sides.keys():
                    raise InputError(
                        f"its columns make {_sides(example)} and those of the rows before {_sides(made[0])}, which one loss does not learn from; convert the "
                        "rows (guerdon convert, or convert in the task)"
                    )
                missing = [
                    name for name in columns if name not in example.columns and all(name not in s.steps for s in example.sides.values())
                ]
                if missing:
                    raise InputError(f"there is no number in column {missing[0]!r}, which the loss reads; columns there: {', '.join(row)}")
                made.append(example)
        telling(index + 1)
    if not made:
        raise InputError(
            f"{where or 'the data'}: of no row is anything left to learn once it is cut to {encode.max_length} tokens; leave more room"
        )
    return batched(made, sparse)


def batched(made: list[Example], sparse: Collection[str] = ()) -> list[Example]:
    """The examples with the numeric columns that all of them have, so that they can be batched; in place, since there may be a million. ``sparse``: see ``examples``."""
    shared = set.intersection(*(set(e.columns) for e in made))
    for name in sparse:
        if not any(name in e.columns for e in made):
            raise InputError(f"no row has a number in column {name!r}, which is learned; name the columns that there are")
    for index, example in enumerate(made):
        columns = {k: v for k, v in example.columns.items() if k in shared or k in sparse}
        columns |= {name: math.nan for name in sparse if name not in columns}
        if example.columns.keys() != columns.keys():
            made[index] = replace(example, columns=columns)
    return made


def of_row(row: Mapping[str, Any], encode: Encoder, format: Format | None = None) -> list[Example]:
    """What is learned from one row: an example, several, or, once it was cut as the encoder was asked to, none.

    Raises:
        InputError: the row is wrong.
    """
    format = format or detect(row)
    cut = sum(encode.truncated.values())
    try:
        return [format(row, encode)]
    except Rewrites:
        turns = format.by_turn(row) if hasattr(format, "by_turn") else []
        if len(turns) < 2:
            raise
        encode.noticed["by_turn"] += 1
        return [example for turn in turns for example in of_row(turn, encode)]
    except NothingLeft:
        if sum(encode.truncated.values()) == cut:
            raise
        encode.noticed["left_out"] += 1
        return []


def _format(row: Mapping[str, Any], told: dict[tuple[str, ...], Format]) -> Format:
    """The format of a row. One in which nothing can be learned from is asked for the columns of the first."""
    names = tuple(row)
    if names not in told:
        found = detect(row)
        told[names] = next(iter(told.values())) if told and isinstance(found, PromptOnly) else found
    return told[names]


def _sides(example: Example) -> str:
    return " and ".join(name or "one answer" for name in example.sides)
