"""Alike exposed pairs: of two things that as many have seen, and of different makers, what was taken up more often is preferred.

    a over b   where  taken_a / seen_a > ratio * taken_b / seen_b,   both seen at least ``least`` times and neither ``exposure`` times as often as the other,   makers differ

Rows hold candidates of one prompt: ``completions``, ``taken`` (how often each was used by somebody else: edited again, forked, copied),
``seen`` (how often it was shown) and ``makers`` (None: nobody's business). All pairs of a row that qualify are rows, with the log of the
ratio of the rates as ``lead``; a rate is (taken + 1/2) / (seen + 1), so that none is 0.

Source: Social Reward, Isajanyan et al. 2024, arXiv 2402.09872, its abstract and summaries: how often a picture was edited again, with care
for how often it was shown and by whom it was made. The rule and its numbers are ours.
Differs from BestWorstPairs: numbers are counts of what people did, which depend on who was shown what; pairs are left out rather than taken
to say something.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.witness import Witness

_COLUMNS = ("completions", "taken", "seen", "makers", "scores")


@dataclass(frozen=True)
class AlikeExposedPairs:
    ratio: float = 1.5
    exposure: float = 2.0
    least: int = 20

    def __post_init__(self) -> None:
        if self.ratio < 1 or self.exposure < 1:
            raise InputError(f"{self!r}: ratio and exposure say how many times as much one is as the other, 1 or more")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pairs = []
        for row in rows:
            said, taken, seen = (row.get(name) for name in _COLUMNS[:3])
            if said is None or taken is None or seen is None or not len(said) == len(taken) == len(seen):
                raise InputError(
                    "alike_exposed_pairs: a row needs completions, taken and seen of the same length; count for each how often it was used and shown"
                )
            makers = row.get("makers") or [None] * len(said)
            kept = {name: value for name, value in row.items() if name not in _COLUMNS}
            rate = [(t + 0.5) / (s + 1) for t, s in zip(taken, seen, strict=True)]
            for a in range(len(said)):
                for b in range(len(said)):
                    shown = min(seen[a], seen[b]) >= self.least and max(seen[a], seen[b]) <= self.exposure * min(seen[a], seen[b])
                    apart = makers[a] is None or makers[a] != makers[b]
                    if a != b and shown and apart and rate[a] > self.ratio * rate[b]:
                        pairs.append({**kept, "chosen": said[a], "rejected": said[b], "lead": math.log(rate[a] / rate[b])})
        return pairs


_row = {"prompt": "p", "completions": ["a", "b", "c"], "taken": [19, 9, 79], "seen": [38, 38, 400], "scores": [19.0, 9.0, 79.0]}
_ab = {"prompt": "p", "chosen": "a", "rejected": "b", "lead": math.log(19.5 / 9.5)}
_ac = {"prompt": "p", "chosen": "a", "rejected": "c", "lead": math.log((19.5 / 39) / (79.5 / 401))}
witness = (  # c was taken most often, and shown ten times as often
    Witness(AlikeExposedPairs(), parent=BestWorstPairs(), given={"rows": [_row]}, returns=[_ab]),
    Witness(AlikeExposedPairs(ratio=2.1), parent=AlikeExposedPairs(), given={"rows": [_row]}, returns=[]),
    Witness(AlikeExposedPairs(ratio=2.1, exposure=20.0), parent=AlikeExposedPairs(ratio=2.1), given={"rows": [_row]}, returns=[_ac]),
    Witness(AlikeExposedPairs(least=39), parent=AlikeExposedPairs(), given={"rows": [_row]}, returns=[]),
    Witness(
        AlikeExposedPairs(),
        parent=BestWorstPairs(),
        given={"rows": [{**_row, "makers": ["x", "x", "y"]}]},
        returns=[],
    ),
)
