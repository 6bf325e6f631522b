"""Answer frequency: the share of the answers to its prompt that come to the same as an answer, itself included.

    reward(y_i) = |{j : c(y_j) agrees with c(y_i)}| / G        0 to 1

Raising its mean is lowering the entropy over clusters of meaning. c and ``same`` as in ``majority_vote``: with a model that says whether two texts mean the same, the clusters are
semantic ones. An answer without a conclusion gets 0.

Source: EMPO, Zhang et al. 2025, arXiv 2504.05812, and its authors' code: the share of the cluster as the reward; clusters of meaning: Farquhar et al. 2024 (semantic entropy).
Differs from MajorityVote: every answer counts by how common it is, so that a second opinion is worth something.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.feedback.conclusions import Same, by_group, clusters, conclusion
from guerdon.feedback.rewards.majority_vote import MajorityVote
from guerdon.witness import Witness


@dataclass(frozen=True)
class AnswerFrequency:
    per_batch: ClassVar[bool] = False

    same: Same | str | None = None
    steps: int = 0

    def __call__(self, prompts: list[Any], completions: list[Any], group: list[Any] | None = None) -> list[float | None]:
        out = [0.0] * len(completions)
        for places in by_group(prompts, group).values():
            said = clusters([conclusion(completions[i], prompts[i], self.steps) for i in places], self.same)
            votes = Counter(one for one in said if one is not None)
            for i, one in zip(places, said, strict=True):
                out[i] = votes[one] / len(places) if one is not None else 0.0
        return out


witness = (
    Witness(
        AnswerFrequency(),
        parent=MajorityVote(),
        given={"prompts": ["p"] * 4, "completions": ["4", "5", "5", r"\boxed{5"]},
        returns=[0.25, 0.5, 0.5, 0.0],
    ),
    Witness(
        AnswerFrequency(same=lambda one, other: one % 2 == other % 2),
        parent=AnswerFrequency(),
        given={"prompts": ["p"] * 4, "completions": ["2", "3", "4", "5"]},
        returns=[0.5, 0.5, 0.5, 0.5],
    ),
    Witness(
        AnswerFrequency(steps=1),
        parent=AnswerFrequency(),
        given={"prompts": [0] * 2, "completions": [[0, 1], [1, 1]]},
        returns=[1.0, 1.0],
    ),
)
