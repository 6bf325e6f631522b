"""Right and wrong: the right and the wrong answers to a prompt, as a ranking of two levels.

    {prompt, chosen: [answer], rejected: [answer], subset ...} -> {prompt, completions: chosen + rejected, scores: 1 for the right ones, 0 for the wrong ones}

Left out: rows without an answer of either kind.

Source: RewardBench 2, arXiv 2506.01937: one right answer of four, and in its subset Ties many right ones.
Differs from RatedAnswers: answers are right or wrong, not rated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, each, needed, without
from guerdon.data.conversions.rated_answers import RatedAnswers
from guerdon.witness import Witness


@dataclass(frozen=True)
class RightAndWrong:
    reads: ClassVar[str] = "right_and_wrong"
    gives: ClassVar[str] = "ranking"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _ranking)


def _ranking(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    right, wrong = needed(row, "chosen"), needed(row, "rejected")
    scores = [1.0] * len(right) + [0.0] * len(wrong)
    yield {
        "prompt": needed(row, "prompt"),
        "completions": [*right, *wrong],
        "scores": scores,
        **without(row, "prompt", "chosen", "rejected"),
    }


witness = Witness(
    RightAndWrong(),
    parent=RatedAnswers(),
    given={"rows": [{"prompt": "p", "chosen": ["a"], "rejected": ["b", "c"], "subset": "Math"}, {"chosen": ["a"], "rejected": ["b"]}]},
    returns={
        "rows": [{"prompt": "p", "completions": ["a", "b", "c"], "scores": [1.0, 0.0, 0.0], "subset": "Math"}],
        "left_out": {"nothing in column 'prompt'": 1},
    },
)
