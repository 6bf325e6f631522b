"""Ranked pairs: pairs out of rankings, as a curation makes them.

    {prompt, completions, scores or ranks} -> {prompt, chosen, rejected, score_chosen, score_rejected}

Of a column with a number for each completion (``helpfulness: [4, 1]``) the two that belong to the pair come along as ``helpfulness_chosen`` and
``helpfulness_rejected``. Left out: rankings of which the curation makes no pair (all scores equal, fewer than two).

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
        lists = [name for name, held in row.items() if name not in ("completions", "scores", "ranks") and _is_aligned(held, row)]
        for pair in pairs:
            places = {side: _place(scored, pair[side], pair.get(f"score_{side}")) for side in ("chosen", "rejected")}
            own = {f"{name}_{side}": row[name][place] for name in lists for side, place in places.items()}
            yield {**without(pair, *lists), **own}


def _is_aligned(held: Any, row: Mapping[str, Any]) -> bool:
    """Whether a column has a number for each completion."""
    return (
        isinstance(held, list)
        and len(held) == len(row["completions"])
        and all(isinstance(x, int | float) and not isinstance(x, bool) for x in held)
    )


def _place(scored: Mapping[str, Any], completion: Any, score: Any) -> int:
    """Which completion a side is: of several that say the same, the one with its score."""
    same = [i for i, one in enumerate(scored["completions"]) if one == completion]
    return next((i for i in same if scored["scores"][i] == score), same[0])


_given = {
    "rows": [
        {"prompt": "p", "completions": ["a", "b", "c"], "ranks": [2, 1, 3], "n": 1, "care": [5, 6, 7]},
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
            "rows": [
                {
                    "prompt": "p",
                    "n": 1,
                    "chosen": "b",
                    "rejected": "c",
                    "score_chosen": -1.0,
                    "score_rejected": -3.0,
                    "care_chosen": 6,
                    "care_rejected": 7,
                }
            ],
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
