"""Ranking: several answers, with a score or a rank for each, or with the place of the best.

    {prompt, completions, scores} -> worth (score - least) / (greatest - least)        0 for all, where all scores are equal
    {prompt, completions, ranks}  -> the same of minus the rank: rank 1 is the best
    {prompt, completions, best}   -> 1 for the answer in that place, counted from 0, and 0 for the others

The scale is that of the row: worths of two rows cannot be compared.

Source: ours; the columns are those of scored rows (``data.curation``) and of ``data.formats.ranking``, and ``best`` is ours.
Differs from Pair: any number of answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.labels import Labelled
from guerdon.feedback.labels._columns import column, number
from guerdon.feedback.labels.pair import Pair
from guerdon.witness import Witness


@dataclass(frozen=True)
class Ranking:
    told_by: ClassVar[tuple[frozenset[str], ...]] = tuple(frozenset({"completions", name}) for name in ("scores", "ranks", "best"))

    def __call__(self, row: Mapping[str, Any]) -> Labelled:
        answers = _list(row, "completions")
        if len(answers) < 2:
            raise InputError(f"a labelled row has {len(answers)} completion; two or more can be compared")
        return Labelled(column(row, "prompt"), tuple(answers), _worth(row, len(answers)))


def _worth(row: Mapping[str, Any], count: int) -> tuple[float, ...]:
    if row.get("best") is not None:
        best = row["best"]
        if isinstance(best, bool) or not isinstance(best, int) or not 0 <= best < count:
            raise InputError(
                f"column 'best' holds {best!r}, and the place of one of the {count} completions is expected, from 0 to {count - 1}"
            )
        return tuple(float(place == best) for place in range(count))
    name = "scores" if row.get("scores") is not None else "ranks"
    given = _list(row, name)
    if len(given) != count:
        raise InputError(f"a labelled row has {count} completions and {len(given)} {name}; give one for each")
    sign = 1.0 if name == "scores" else -1.0
    numbers = [sign * number(one, name) for one in given]
    low, high = min(numbers), max(numbers)
    return tuple((one - low) / (high - low) if high > low else 0.0 for one in numbers)


def _list(row: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = column(row, name)
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InputError(f"column {name!r} holds {value!r}, and a list is expected")
    return value


_row = {"prompt": "p", "completions": ["a", "b", "c"]}
witness = (
    Witness(
        Ranking(),
        parent=Pair(),
        given={"row": {**_row, "scores": [4, 1, 2.5]}},
        returns=Labelled("p", ("a", "b", "c"), (1.0, 0.0, 0.5)),
    ),
    Witness(Ranking(), parent=Pair(), given={"row": {**_row, "ranks": [3, 1, 2]}}, returns=Labelled("p", ("a", "b", "c"), (0.0, 1.0, 0.5))),
    Witness(Ranking(), parent=Pair(), given={"row": {**_row, "best": 2}}, returns=Labelled("p", ("a", "b", "c"), (0.0, 0.0, 1.0))),
)
