"""Balanced lengths: comparisons of which the longer answer is preferred as often as the shorter one, also among those that differ by much.

Of the rows in which the answers' lengths differ by about as much (``bins`` bins with as many rows each) as many are kept in which the longer one was
preferred as in which the shorter was: of those that are too many, drawn by ``seed``. Rows of equal lengths are all kept, and the order too. Length is
in characters, or in the columns ``chosen_length`` and ``rejected_length`` where a row has them.

Source: Singhal et al. 2023, arXiv 2310.03716, the balancing of preference data by length; its beginning and summaries were read. That it is done by
bins of the difference, and by leaving out, is ours.
Differs from BestWorstPairs: rows are comparisons already, and some of them are left out.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class BalancedLengths:
    bins: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.bins < 1:
            raise InputError(f"balanced_lengths.bins is {self.bins}; give one or more")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        ahead = [_length(row, "chosen") - _length(row, "rejected") for row in rows]
        unequal = sorted((place for place, gap in enumerate(ahead) if gap), key=lambda place: abs(ahead[place]))
        dropped: set[int] = set()
        for m in range(self.bins):
            own = unequal[m * len(unequal) // self.bins : (m + 1) * len(unequal) // self.bins]
            longer, shorter = [p for p in own if ahead[p] > 0], [p for p in own if ahead[p] < 0]
            more, fewer = (longer, shorter) if len(longer) > len(shorter) else (shorter, longer)
            dropped |= set(random.Random(derive(self.seed, "balanced lengths", m)).sample(more, len(more) - len(fewer)))
        return [dict(row) for place, row in enumerate(rows) if place not in dropped]


def _length(row: Mapping[str, Any], side: str) -> float:
    known = row.get(f"{side}_length")
    return float(len(str(row[side])) if known is None else known)


_rows = [
    {"prompt": "p", "chosen": "ab", "rejected": "a", "completions": ["ab", "a"], "scores": [1.0, 0.0]},
    {"prompt": "q", "chosen": "a", "rejected": "ab", "completions": ["a", "ab"], "scores": [1.0, 0.0]},
    {"prompt": "r", "chosen": "abcde", "rejected": "a", "completions": ["abcde", "a"], "scores": [1.0, 0.0]},
    {"prompt": "s", "chosen": "abcdef", "rejected": "a", "completions": ["abcdef", "a"], "scores": [1.0, 0.0]},
    {"prompt": "t", "chosen": "a", "rejected": "b", "completions": ["a", "b"], "scores": [1.0, 0.0]},
]
witness = Witness(  # of the close ones one of each kind, of the far ones the longer always won: none is left
    BalancedLengths(bins=2), parent=BestWorstPairs(), given={"rows": _rows}, returns=[_rows[0], _rows[1], _rows[4]]
)
