"""Rated completion: an answer and the numbers by which it was rated, each in a column of its own.

    {prompt, response, helpfulness, ...} or {prompt, response, attributes: {name: number}} -> {prompt, completion, helpfulness, ...}

Numbers are columns that losses can ask for by name.

Source: HelpSteer, arXiv 2311.09528, of which attributes are predicted in SteerLM's manner.
Differs from AttributeRatings: nothing is compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, each, needed, without
from guerdon.data.conversions.attribute_ratings import AttributeRatings, attributes
from guerdon.witness import Witness


@dataclass(frozen=True)
class RatedCompletion:
    reads: ClassVar[str] = "attribute_ratings"
    gives: ClassVar[str] = "prompt_completion"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _completion)


def _completion(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rest = without(row, "prompt", "response", "attributes")
    yield {"prompt": needed(row, "prompt"), "completion": needed(row, "response"), **rest, **attributes(row)}


witness = Witness(
    RatedCompletion(),
    parent=AttributeRatings(),
    given={
        "rows": [
            {"prompt": "p", "response": "a", "attributes": {"kind": 3}, "annotator": 1},
            {"prompt": "p", "response": "", "verbosity": 1},
        ]
    },
    returns={
        "rows": [{"prompt": "p", "completion": "a", "annotator": 1, "kind": 3.0}],
        "left_out": {"nothing in column 'response'": 1},
    },
)
