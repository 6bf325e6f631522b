"""First sentences: beside every answer that was judged, its beginning, judged to be no answer.

    {prompt, completion, label} -> the row, and {prompt, completion: its first sentence, label: 0}

The first sentence of a solution restates what is asked or says that one is about to begin, and is right about nothing; a judge that has seen such
beginnings only before right answers takes them for one. A sentence ends with a mark before a space, or with a line. An answer of one sentence has no
beginning of its own, and its row stands alone; ``share`` of the others get a copy, drawn by ``seed``. Further columns go along.

Source: Zhao et al. 2025, One Token to Fool LLM-as-a-Judge, arXiv 2507.08794: 20,000 responses cut to their first sentence and labelled NO, beside
160,000 judged ones; abstract and summaries were read. ``share`` 1 is ours: theirs is one in eight.
Differs from GradedRemoval: what is taken is the end, and the label says that nothing is left.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.graded_removal import GradedRemoval
from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.witness import Witness

_END = re.compile(r"(?<=[.!?:。！？：])\s+|\n+")


@dataclass(frozen=True)
class FirstSentences:
    share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(
                f"first_sentences.share is {self.share}, the share of answers that get a copy; give a number above 0 and at most 1"
            )

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        made = []
        for place, row in enumerate(rows):
            if not isinstance(row["completion"], str):
                raise InputError(
                    f"row {place}: first sentences are taken from plain text, and its completion is {type(row['completion']).__name__}"
                )
            made.append(dict(row))
            first, *rest = _END.split(row["completion"].strip(), maxsplit=1)
            if rest and rest[0] and random.Random(derive(self.seed, "first sentences", place)).random() < self.share:
                made.append({**row, "completion": first, "label": 0})
        return made


witness = Witness(
    FirstSentences(),
    parent=GradedRemoval(),
    given={
        "rows": [
            {"prompt": "p", "completion": "Let us see. 1 + 1 = 2. So 2.", "label": 1, "chosen": "a b", "rejected": "c"},
            {"prompt": "q", "completion": "3.14", "label": 0, "chosen": "a b", "rejected": "c"},
        ]
    },
    returns=[
        {"prompt": "p", "completion": "Let us see. 1 + 1 = 2. So 2.", "label": 1, "chosen": "a b", "rejected": "c"},
        {"prompt": "p", "completion": "Let us see.", "label": 0, "chosen": "a b", "rejected": "c"},
        {"prompt": "q", "completion": "3.14", "label": 0, "chosen": "a b", "rejected": "c"},
    ],
)
