"""Right verdict: whether what a judge wrote comes to the verdict that is known to be right.

    one answer    right where the verdict is on the same side of 1/2 as the label
    two           right where it prefers the one that the label prefers (of a label 1/2: where it says that they are alike)
    several       right where it puts one answer above all others, and the label none above that one

``format`` is how the judge was asked, and reads what it wrote (``feedback.formats``); what cannot be read has ``unread``. Column ``verdict``: the label as the format's verdicts
are, a number from 0 to 1 (of two: the probability that the first is the better one), or a list of them; None gives None.

Source: the outcome reward of judges that are trained, right or not: DeepSeek-GRM, Liu et al. 2025, arXiv 2504.02495 (1 and -1; of several answers by the best); RM-R1, Chen et al.
2025, arXiv 2505.02387 (1 and -1); by their abstracts and summaries. 1 and 0 are ours, which a baseline makes the same, and so is ``unread``.
Differs from StringMatch: what is compared is what a verdict says, and not how it is written.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.feedback.formats import Format
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.formats.scores import Scores
from guerdon.feedback.formats.yes_token import YesToken
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.verdicts import agrees, told_of, trainable
from guerdon.witness import Witness


@dataclass(frozen=True)
class RightVerdict:
    format: Format
    right: float = 1.0
    wrong: float = 0.0
    unread: float = 0.0

    def __post_init__(self) -> None:
        trainable(self.format)

    def __call__(self, prompts: list[Any], completions: list[Any], verdict: list[Any], **columns: list[Any]) -> list[float | None]:
        return told_of(
            self.format, completions, verdict, lambda value, label: self.right if agrees(value, label) else self.wrong, self.unread
        )


_asked = {"prompts": ["p"] * 5, "completions": ["So it is. [[B]]", "[[A]]", "[[C]]", "B", "[[B]]"], "verdict": [0.0, 0.0, 0.0, 0.0, None]}
_several = {
    "prompts": ["p"] * 4,
    "completions": ["[[1, 9, 2]]", "[[9, 9, 2]]", "[[2, 1, 3]]", "[[2, 1]]"],
    "verdict": [[0.5, 1.0, 0.0], [1, 1, 0], [0, 0, 1], [0, 0, 1]],
}
witness = (
    Witness(
        RightVerdict(Preference()),
        parent=StringMatch(),
        given=_asked | {"answer": ["[[B]]"] * 5},
        returns=[1.0, 0.0, 0.0, 0.0, None],
    ),
    Witness(
        RightVerdict(Preference(), right=2.0, wrong=-1.0, unread=-2.0),
        parent=RightVerdict(Preference()),
        given=_asked,
        returns=[2.0, -1.0, -1.0, -2.0, None],
    ),
    Witness(
        RightVerdict(Scores()), parent=StringMatch(), given=_several | {"answer": [""] * 4}, returns=[1.0, 0.0, 1.0, 0.0]
    ),  # two at the top are no best
    Witness(
        RightVerdict(YesToken()),
        parent=RightVerdict(Preference()),
        given={"prompts": ["p"] * 2, "completions": ["No", "Yes"], "verdict": [0.25, 0.25]},
        returns=[1.0, 0.0],
    ),
)
