"""Unrelated prompts: both answers of a comparison under a prompt that neither answers, as a tie.

    {prompt, chosen, rejected} -> {prompt of another row, chosen, rejected, tie: 1}        with the row itself, tie: 0, before it

What makes one answer better is beside the point there, and what else tells them apart (length, tone, marks) is still there: a reward that is asked to
find them equal cannot go by it, and nobody has to know what it is. Each row gets ``times`` of them, under the prompts of rows that are drawn by
``seed`` and have another prompt; where all rows have the same there is none. Learn from the rows with the label ``tied``.

Source: Crome, Srivastava et al. 2025, arXiv 2506.16507: its neutral augmentations by irrelevant queries, with a loss of half of either order (the
label ``tied``); abstract and summaries were read. ``times`` 1: ours.
Differs from GradedRemoval: nothing is taken from a text, it is asked for in another place.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.graded_removal import GradedRemoval
from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class UnrelatedPrompts:
    times: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.times < 1:
            raise InputError(f"unrelated_prompts.times is {self.times}; give one or more")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        prompts = [row["prompt"] for row in rows]
        several = any(prompt != prompts[0] for prompt in prompts)
        made: list[dict[str, Any]] = []
        for place, row in enumerate(rows):
            made.append({**row, "tie": row.get("tie", 0)})
            draw = random.Random(derive(self.seed, "unrelated prompts", place))
            while several and len(made) % (1 + self.times):
                prompt = draw.choice(prompts)
                if prompt != row["prompt"]:
                    made.append({**row, "prompt": prompt, "tie": 1})
        return made


_rows = [{"prompt": "p", "chosen": "a", "rejected": "b"}, {"prompt": "q", "chosen": "c", "rejected": "d"}]
witness = Witness(
    UnrelatedPrompts(),
    parent=GradedRemoval(),
    given={"rows": _rows},
    returns=[
        {"prompt": "p", "chosen": "a", "rejected": "b", "tie": 0},
        {"prompt": "q", "chosen": "a", "rejected": "b", "tie": 1},
        {"prompt": "q", "chosen": "c", "rejected": "d", "tie": 0},
        {"prompt": "p", "chosen": "c", "rejected": "d", "tie": 1},
    ],
)
