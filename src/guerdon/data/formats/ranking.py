"""Ranking: several answers to one prompt, each with a score, or in an order.

    {prompt, completions, scores} -> one side of several sequences, column ``reward``: the scores
    {prompt, completions, ranks}  -> the same; the reward is the rank, turned (rank 1 is the best)

Source: rankings of K answers as InstructGPT collected them, arXiv 2203.02155, section 3.5; the columns are those of scored rows (``data.curation``).
Differs from Preference: more than two, and how much better, where there are scores.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.data.formats._columns import as_float, column, is_number, listed, numbers, shown
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.preference import Preference
from guerdon.errors import InputError
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder, NothingLeft, template_variables
from guerdon.tasks.sampled import all_spoken
from guerdon.witness import Witness


@dataclass(frozen=True)
class Ranking:
    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        name = "scores" if "scores" in row else "ranks"
        prompt, _, given = column(row, "prompt"), listed(row, "completions"), listed(row, name)
        completions = all_spoken(row)
        if len(completions) < 2 or len(completions) != len(given):
            raise InputError(f"there are {len(completions)} completions and {len(given)} {name}; give two or more, and one number for each")
        if not all(is_number(x) and math.isfinite(as_float(x)) for x in given):
            raise InputError(f"{name} {shown(given)} are not all finite numbers; leave out the completions without one")
        sides = encode.encode_sides(prompt, *completions, **template_variables(row))
        if all(side == sides[0] for side in sides):
            raise NothingLeft(
                f"all {len(sides)} completions are the same tokens, as they are written or cut, so nothing is ranked; drop the row, or leave it more room"
            )
        return Example({"": sides}, {**numbers(row), "reward": tuple(float(x) if name == "scores" else -float(x) for x in given)})


_given = {"prompt": "2+2=", "completions": ["4", "22"]}
_sides = {"": (Side(codes("2+2="), codes("4."), (True, True)), Side(codes("2+2="), codes("22."), (True, True, True)))}
witness = (
    Witness(
        Ranking(),
        parent=Preference(),
        given={"row": {**_given, "scores": [1, 0.5]}, "encode": toy()},
        returns=Example(_sides, {"reward": (1.0, 0.5)}),
    ),
    Witness(
        Ranking(),
        parent=Preference(),
        given={"row": {**_given, "ranks": [1, 2]}, "encode": toy()},
        returns=Example(_sides, {"reward": (-1.0, -2.0)}),
    ),
)
