"""Near verdict: how near what a judge wrote comes to the number that is known to be right.

    reward = 1 - |value - label|        0 to 1; of several answers the mean over them

``format``, the column ``verdict`` and ``unread`` as for ``right_verdict``.

Source: ours. The authors of DeepSeek-GRM, arXiv 2504.02495, pay a score of one answer where it is the very number (by a summary), which tells a near miss from nothing.
Differs from RightVerdict: a rating is not right or wrong.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.feedback.formats import Format
from guerdon.feedback.formats.score import Score
from guerdon.feedback.formats.scores import Scores
from guerdon.feedback.rewards.right_verdict import RightVerdict
from guerdon.feedback.verdicts import Value, told_of, trainable
from guerdon.witness import Witness


@dataclass(frozen=True)
class NearVerdict:
    format: Format
    unread: float = 0.0

    def __post_init__(self) -> None:
        trainable(self.format)

    def __call__(self, prompts: list[Any], completions: list[Any], verdict: list[Any], **columns: list[Any]) -> list[float | None]:
        return told_of(self.format, completions, verdict, _nearness, self.unread)


def _nearness(value: Value, label: Value) -> float:
    pairs = list(zip(value, label, strict=True)) if isinstance(value, tuple) and isinstance(label, tuple) else [(value, label)]
    return 1.0 - sum(abs(one - other) for one, other in pairs) / len(pairs)


_rated = {"prompts": ["p"] * 4, "completions": ["[[10]]", "[[4]]", "four", "[[4]]"], "verdict": [0.5, 0.5, 0.5, None]}
witness = (
    Witness(NearVerdict(Score()), parent=RightVerdict(Score()), given=_rated, returns=[0.5, 1 - (0.5 - 1 / 3), 0.0, None]),
    Witness(NearVerdict(Score(), unread=-1.0), parent=NearVerdict(Score()), given=_rated, returns=[0.5, 1 - (0.5 - 1 / 3), -1.0, None]),
    Witness(
        NearVerdict(Scores(low=0, high=4)),
        parent=RightVerdict(Scores(low=0, high=4)),
        given={"prompts": ["p"], "completions": ["[[4, 1]]"], "verdict": [[0.5, 0.0]]},
        returns=[1 - (0.5 + 0.25) / 2],
    ),
)
