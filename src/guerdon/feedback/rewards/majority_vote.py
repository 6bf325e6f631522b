"""Majority vote: 1 for the answers that come to what most answers to the prompt come to; no label is read.

    reward(y_i) = 1 if c(y_i) = argmax over c of the number of j with c(y_j) = c, else 0        of equally frequent ones the first that occurs

c is what an answer concludes (``guerdon.feedback.conclusions``): its marked answer, else what it states, else all of it; of actions the last ``steps`` (0: all). An
answer without a conclusion has no vote and gets 0. ``same(a, b) -> bool``, or ``file.py:function``, says where two conclusions agree that are not equal.

Source: TTRL, Zuo et al. 2025, arXiv 2504.16084, and its code (``ttrl_utils.py``): votes of the answers that can be read, the most frequent one is the label,
and each answer is graded by it.
Invalid as a measure of truth: it rises as answers agree, right or wrong. Watch a true reward beside it (``combining.without``).
Differs from WinRate: a vote and no judge.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.feedback.conclusions import Same, by_group, clusters, conclusion
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.witness import Witness


@dataclass(frozen=True)
class MajorityVote:
    per_batch: ClassVar[bool] = False  # it compares the answers to one prompt, and no more

    same: Same | str | None = None
    steps: int = 0

    def __call__(self, prompts: list[Any], completions: list[Any], group: list[Any] | None = None) -> list[float | None]:
        out = [0.0] * len(completions)
        for places in by_group(prompts, group).values():
            said = clusters([conclusion(completions[i], prompts[i], self.steps) for i in places], self.same)
            votes = Counter(one for one in said if one is not None)
            winner = max(votes, key=votes.__getitem__, default=None)  # of equals the first: a Counter keeps their order
            for i, one in zip(places, said, strict=True):
                out[i] = float(one is not None and one == winner)
        return out


_said = {
    "prompts": ["p"] * 5 + ["q"] * 2,
    "completions": [r"so \boxed{4}", r"\boxed{5}", "the answer is 5.0.", r"never \boxed{5", "5", "7", "8"],
}
witness = (
    Witness(MajorityVote(), parent=StringMatch(), given=_said, returns=[0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0]),
    Witness(
        MajorityVote(same=lambda one, other: one % 2 == other % 2),
        parent=MajorityVote(),
        given={"prompts": ["p"] * 3, "completions": ["2", "3", "4"]},
        returns=[1.0, 0.0, 1.0],
    ),
    Witness(
        MajorityVote(steps=1),
        parent=MajorityVote(),
        given={"prompts": [0] * 3, "completions": [[0, 1], [1, 1], [0, 0]], "group": [0, 0, 0]},
        returns=[1.0, 1.0, 0.0],
    ),
)
