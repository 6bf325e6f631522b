"""Chosen answers: of each pair the preferred answer, to be imitated.

    {prompt, chosen, rejected} -> {prompt, completion: chosen}

Source: supervised fine-tuning on the preferred completions, the start of DPO in arXiv 2305.18290, section 6.
Differs from Unpair: what was rejected is not kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, each, without
from guerdon.data.conversions.unpair import Unpair
from guerdon.data.formats.preference import split
from guerdon.witness import Witness


@dataclass(frozen=True)
class ChosenAnswers:
    reads: ClassVar[str] = "pairs"
    gives: ClassVar[str] = "prompt_completion"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _chosen)


def _chosen(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    prompt, chosen, _ = split(row)
    yield {"prompt": prompt, "completion": chosen, **without(row, "prompt", "chosen", "rejected")}


witness = Witness(
    ChosenAnswers(),
    parent=Unpair(),
    given={"rows": [{"prompt": "p", "chosen": "a", "rejected": "b", "n": 1}]},
    returns={"rows": [{"prompt": "p", "completion": "a", "n": 1}], "left_out": {}},
)
