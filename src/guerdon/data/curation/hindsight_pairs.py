"""Hindsight pairs: what an episode came to is taken for what it was to do, and an episode that came to something else for a failure at it.

    {completion, outcome} -> {prompt: outcome, chosen: completion, rejected: completion of a row with another outcome}        ``times`` for each row

Nobody has to say what is wanted, and nothing has to succeed: episodes of somebody who walks about at random will do. ``outcome`` is what the episode came to, in the words in
which it would have been asked for. Where all rows came to the same there is nothing to compare.

Source: ARMAP, Chen et al. 2025, arXiv 2502.12130: a model is asked what a random episode would have been the right thing for, and to make up one that fails; here another
episode is the failure. Relabelling by what was reached: hindsight experience replay, arXiv 1707.01495. Differs from UnrelatedPrompts: the episode stays and the prompt is made
for it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.unrelated_prompts import UnrelatedPrompts
from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class HindsightPairs:
    times: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.times < 1:
            raise InputError(f"hindsight_pairs.times is {self.times}; give one or more")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        several = any(row["outcome"] != rows[0]["outcome"] for row in rows)
        for place, row in enumerate(rows if several else ()):
            draw = random.Random(derive(self.seed, "hindsight pairs", place))
            for _ in range(self.times):
                other = draw.choice(rows)
                while other["outcome"] == row["outcome"]:
                    other = draw.choice(rows)
                made.append({"prompt": row["outcome"], "chosen": row["completion"], "rejected": other["completion"]})
        return made


_rows = [{"prompt": "", "completion": "up", "outcome": "go north"}, {"prompt": "", "completion": "down", "outcome": "go south"}]
_pairs = [{"prompt": "go north", "chosen": "up", "rejected": "down"}, {"prompt": "go south", "chosen": "down", "rejected": "up"}]
_old = [{**row, "chosen": "", "rejected": ""} for row in _rows]
witness = (
    Witness(HindsightPairs(), parent=UnrelatedPrompts(), given={"rows": _old}, returns=_pairs),
    Witness(HindsightPairs(times=2), parent=HindsightPairs(), given={"rows": _old}, returns=[p for p in _pairs for _ in range(2)]),
)
