"""Pair: of the answers to one prompt, a good one is preferred to a bad one.

    {prompt, completion, label} of a prompt -> {prompt, chosen, rejected}: the first good with the first bad, the second with the second ...

``every`` pairs each good answer with each bad one. A label above one half is good, one below is bad. Columns in which both answers have the same value go
on. Left out: answers for which none of the other kind is (left) there, labels of one half.

Source: ours, the inverse of ``unpair``. Off: every answer in one pair at most, so that no answer counts more often than it was judged.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, without
from guerdon.data.conversions._grouping import by_prompt
from guerdon.data.conversions.unpair import Unpair
from guerdon.data.formats.unpaired import verdict
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Pair:
    reads: ClassVar[str] = "unpaired"
    gives: ClassVar[str] = "pairs"
    every: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        made: list[dict[str, Any]] = []
        left_out: Counter[str] = Counter()
        for answers in by_prompt(rows):
            good, bad = [], []
            for row in answers:
                kind = _kind(row, good, bad, left_out)
                if kind is not None:
                    kind.append(row)
            pairs = list(product(good, bad) if self.every else zip(good, bad, strict=False))
            made += [_joined(chosen, rejected) for chosen, rejected in pairs]
            for own, other, name in ((good, bad, "bad"), (bad, good, "good")):
                lonely = len(own) - (len(own) if self.every and other else min(len(own), len(other)))
                left_out[f"no {name} answer {'is left ' if other else ''}to the same prompt"] += lonely
        return Converted(made, {reason: count for reason, count in left_out.items() if count})


def _kind(row: Mapping[str, Any], good: list, bad: list, left_out: Counter[str]) -> list | None:
    try:
        value = verdict(row.get("label"))
    except InputError:
        left_out["the label is no verdict"] += 1
        return None
    if row.get("completion") in (None, "", []) or value == 0.5:
        left_out["nothing in column 'completion'" if value != 0.5 else "a label of one half"] += 1
        return None
    return good if value > 0.5 else bad


def _joined(chosen: Mapping[str, Any], rejected: Mapping[str, Any]) -> dict[str, Any]:
    rest = without(chosen, "prompt", "completion", "label")
    shared = {name: value for name, value in rest.items() if name in rejected and rejected[name] == value}
    return {"prompt": chosen["prompt"], "chosen": chosen["completion"], "rejected": rejected["completion"], **shared}


_rows = [
    {"prompt": "p", "completion": "a", "label": 1, "source": "s", "n": 1},
    {"prompt": "q", "completion": "x", "label": True},
    {"prompt": "p", "completion": "b", "label": 0.2, "source": "s", "n": 2},
    {"prompt": "p", "completion": "c", "label": 0.5},
    {"prompt": "p", "completion": "d", "label": "good"},
]
_first = {"prompt": "p", "chosen": "a", "rejected": "b", "source": "s"}
_alone = {"a label of one half": 1, "no bad answer to the same prompt": 1}
witness = (
    Witness(
        Pair(),
        parent=Unpair(),
        given={"rows": _rows},
        returns={"rows": [_first], "left_out": {**_alone, "no bad answer is left to the same prompt": 1}},
    ),
    Witness(
        Pair(every=True),
        parent=Pair(),
        given={"rows": _rows},
        returns={"rows": [_first, {"prompt": "p", "chosen": "d", "rejected": "b"}], "left_out": _alone},
    ),
)
