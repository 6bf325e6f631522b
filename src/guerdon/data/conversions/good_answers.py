"""Good answers: those that were judged good, to be imitated.

    {prompt, completion, label} -> {prompt, completion}     where label > 1/2

Source: ours; what rejection sampling (``data.curation.rejection_sampling``) does with rewards.
Differs from Pair: nothing is compared; answers that were judged bad are left out and counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each, without
from guerdon.data.conversions.pair import Pair
from guerdon.data.formats.unpaired import verdict
from guerdon.witness import Witness


@dataclass(frozen=True)
class GoodAnswers:
    reads: ClassVar[str] = "unpaired"
    gives: ClassVar[str] = "prompt_completion"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _good)


def _good(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if verdict(row.get("label")) <= 0.5:
        raise LeftOut("not judged good")
    yield without(row, "label")


witness = Witness(
    GoodAnswers(),
    parent=Pair(),
    given={"rows": [{"prompt": "p", "completion": "a", "label": True}, {"prompt": "p", "completion": "b", "label": False}]},
    returns={"rows": [{"prompt": "p", "completion": "a"}], "left_out": {"not judged good": 1}},
)
