"""Rating offset: pairs of two sources, labelled by scores that are moved until each source wins as often as its rating foretells.

    offset = the quantile of (score of the second source - score of the first) at 1 / (1 + 10^((second - first) / 400))
    chosen = the answer of the first source where its score + offset is the higher one

A scored row has two completions, of the first and of the second source; ``ratings`` are their Elo ratings. A reward model that likes what the first
source writes, whatever it says, has a negative offset; continued on the pairs it unlearns that. Rows of which a completion has no score are left out.

Source: CHARM, Zhu et al. 2025, arXiv 2504.10045, and its authors' code (HexagonStar/CHARM, ``calibrate.py``), where scores are taken to be normal:
the offset is then the difference of their means and z sqrt(v1 + v2), z the normal quantile of the rate, v their variances. For normal scores that do
not depend on each other it is the same number; this one takes no shape for granted.
Differs from BestWorstPairs: the scores' own order is not believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.data.curation._scored import candidates, rest
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class RatingOffset:
    ratings: tuple[float, float]

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        scored = [(row, candidates(row)) for row in rows]
        for place, (row, _) in enumerate(scored):
            if len(row["completions"]) != 2:
                raise InputError(f"row {place} has {len(row['completions'])} completions; give two, of the first source and of the second")
        kept = [(row, own) for row, own in scored if len(own) == 2]
        if not kept:
            return []
        offset = self.offset([own[0][0] for _, own in kept], [own[1][0] for _, own in kept])
        pairs = []
        for row, ((first, one), (second, other)) in kept:
            chosen, rejected = (one, other) if first + offset > second else (other, one)
            pairs.append({**rest(row), "chosen": chosen, "rejected": rejected})
        return pairs

    def offset(self, first: Sequence[float], second: Sequence[float]) -> float:
        """By how much the first source's scores are to be moved: between two of the differences, so that no pair is tied."""
        ahead = np.sort(np.asarray(second, dtype=float) - np.asarray(first, dtype=float))
        own, other = self.ratings
        wins = round(len(ahead) / (1 + 10 ** ((other - own) / 400)))
        low = ahead[wins - 1] if wins else ahead[0] - 1
        high = ahead[wins] if wins < len(ahead) else ahead[-1] + 1
        return float(low + high) / 2


_rows = [{"prompt": str(i), "completions": ["one", "other"], "scores": [5.0, float(i)]} for i in range(4)]
witness = Witness(  # by its scores the first source wins all four; of equal ratings it is to win two
    RatingOffset((1000.0, 1000.0)),
    parent=BestWorstPairs(),
    given={"rows": _rows},
    returns=[
        {"prompt": "0", "chosen": "one", "rejected": "other"},
        {"prompt": "1", "chosen": "one", "rejected": "other"},
        {"prompt": "2", "chosen": "other", "rejected": "one"},
        {"prompt": "3", "chosen": "other", "rejected": "one"},
    ],
)
