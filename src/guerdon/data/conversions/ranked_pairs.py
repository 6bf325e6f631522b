"""Ranked pairs: pairs out of rankings, as a curation makes them.

    {prompt, completions, scores or ranks} -> {prompt, chosen, rejected, score_chosen, score_rejected}

Left out: rankings of which the curation makes no pair (all scores equal, fewer than two).

Source: best against worst as in the binarized UltraFeedback of Zephyr, arXiv 2310.16944, section 3, which draws the rejected answer at random among the
others instead.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each, needed, without
from guerdon.data.conversions.rated_answers import RatedAnswers
from guerdon.data.curation import Curation
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.witness import Witness


@dataclass(frozen=True)
class RankedPairs:
    reads: ClassVar[str] = "ranking"
    gives: ClassVar[str] = "pairs"
    curate: Curation = BestWorstPairs()

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._pairs)

    def _pairs(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        needed(row, "completions")
        scored = row if "scores" in row else {**without(row, "ranks"), "scores": [-rank for rank in needed(row, "ranks")]}
        pairs = self.curate(rows=[scored])
        if not pairs:
            raise LeftOut("no answer is better than another")
        yield from pairs


_given = {
    "rows": [
        {"prompt": "p", "completions": ["a", "b", "c"], "ranks": [2, 1, 3], "n": 1},
        {"prompt": "q", "completions": ["a", "b"], "scores": [1, 1]},
    ]
}
_left_out = {"no answer is better than another": 1}
witness = (
    Witness(
        RankedPairs(),
        parent=RatedAnswers(),
        given=_given,
        returns={
            "rows": [{"prompt": "p", "n": 1, "chosen": "b", "rejected": "c", "score_chosen": -1.0, "score_rejected": -3.0}],
            "left_out": _left_out,
        },
    ),
    Witness(
        RankedPairs(BestWorstPairs(margin=2.0)),
        parent=RankedPairs(),
        given=_given,
        returns={"rows": [], "left_out": {"no answer is better than another": 2}},
    ),
)
