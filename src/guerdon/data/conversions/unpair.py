"""Unpair: the preferred answer of a pair is good, the other one is bad.

    {prompt, chosen, rejected} -> {prompt, completion: chosen, label: true}, {prompt, completion: rejected, label: false}

``score_chosen`` and ``score_rejected`` become the ``score`` of each, and so does whatever else is there of both (``helpfulness_chosen`` ...).

Left out: pairs of equal answers, and pairs without a prompt that share none.

Source: ``unpair_preference_dataset`` of TRL, with which KTO (arXiv 2402.01306, section 4.1) was compared with DPO on the same data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, each, without
from guerdon.data.formats.preference import split
from guerdon.witness import Witness


@dataclass(frozen=True)
class Unpair:
    reads: ClassVar[str] = "pairs"
    gives: ClassVar[str] = "unpaired"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _answers)


def _answers(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    prompt, *sides = split(row)
    names = [str(name).removesuffix("_chosen") for name in row if str(name).endswith("_chosen")]
    of_both = [name for name in names if f"{name}_rejected" in row]
    rest = without(row, "prompt", "chosen", "rejected", *(f"{name}_{side}" for name in of_both for side in ("chosen", "rejected")))
    for side, completion, label in zip(("chosen", "rejected"), sides, (True, False), strict=True):
        own = {name: row[f"{name}_{side}"] for name in of_both}
        yield {"prompt": prompt, "completion": completion, "label": label, **own, **rest}


witness = Witness(
    Unpair(),
    given={
        "rows": [
            {"prompt": "p", "chosen": "a", "rejected": "b", "source": "s", "score_chosen": 2, "score_rejected": 1},
            {"chosen": "Say a", "rejected": "Say b"},
            {"prompt": "p", "chosen": "a", "rejected": "a"},
        ]
    },
    returns={
        "rows": [
            {"prompt": "p", "completion": "a", "label": True, "score": 2, "source": "s"},
            {"prompt": "p", "completion": "b", "label": False, "score": 1, "source": "s"},
            {"prompt": "Say", "completion": " a", "label": True},
            {"prompt": "Say", "completion": " b", "label": False},
        ],
        "left_out": {"chosen and rejected are the same, so nothing was preferred": 1},
    },
)
